import 'tabstream/inspector'
import type { Stream } from 'tabstream'
import type { Events } from './catalogue.ts'
import { byId } from './dom.ts'

/** Docks the library's inspector. Without a stream there is nothing to inspect. */
export const dockInspector = (stream: Stream<Events> | null): void => {
  const place = byId('inspector')
  place.replaceChildren()
  if (!stream) return
  const inspector = document.createElement('tabstream-inspector')
  inspector.toggleAttribute('docked', true)
  inspector.stream = stream
  place.append(inspector)
}
