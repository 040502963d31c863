import type { Stream } from 'tabstream'
import type { Events } from './catalogue.ts'
import { byId } from './dom.ts'

// The line that switches it on: import 'tabstream/inspector'

interface InspectorElement extends HTMLElement {
  stream: Stream<Events>
}

/** Docks the library's inspector, wherever its element is registered. Without a stream there is nothing to inspect. */
export const dockInspector = async (stream: Stream<Events> | null): Promise<void> => {
  await customElements.whenDefined('tabstream-inspector')
  const place = byId('inspector')
  place.replaceChildren()
  if (!stream) return
  const inspector = document.createElement('tabstream-inspector') as InspectorElement
  inspector.toggleAttribute('docked', true)
  inspector.stream = stream
  place.append(inspector)
}
