import { byId } from './dom.ts'
import type { Line } from './line.ts'

interface InspectorElement extends HTMLElement {
  stream: ReturnType<Line['stream']>
}

/** Docks the library's inspector, where app.ts imports it: until it is registered there is nothing to dock. */
export const dockInspector = async (line: Line): Promise<void> => {
  await customElements.whenDefined('tabstream-inspector')
  const inspector = document.createElement('tabstream-inspector') as InspectorElement
  inspector.toggleAttribute('docked', true)
  inspector.stream = line.stream()
  byId('inspector').replaceChildren(inspector)
}
