import type { Inspected, InspectorElement } from '../stream.ts'
import { TabstreamInspector } from './element.ts'

export type { Inspected, InspectorElement } from '../stream.ts'

const NAME = 'tabstream-inspector'

declare global {
  interface HTMLElementTagNameMap {
    'tabstream-inspector': InspectorElement
  }
}

// Another copy of this file, as of a second bundle in the page, may have been first.
if (globalThis.customElements?.get(NAME) === undefined)
  globalThis.customElements?.define(NAME, TabstreamInspector)

/** The element that `openInspector()` made for a stream: one each. */
const opened = new WeakMap<Inspected, InspectorElement>()

/** What `stream.openInspector()` calls. @returns the element, in the document and open; the same for the same stream */
export const openInspector = (stream: Inspected): InspectorElement => {
  const element = opened.get(stream) ?? document.createElement(NAME)
  opened.set(stream, element)
  element.stream = stream
  element.open = true
  if (!element.isConnected) document.body.append(element)
  return element
}
