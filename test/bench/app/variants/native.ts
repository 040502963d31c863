import type { OpenVariant } from './variant.ts'

/** An EventSource in each tab. */
export const nativeEventSource: OpenVariant = (url, { hear, opened }) => {
  const source = new EventSource(url)
  source.onopen = opened
  source.onmessage = ({ data }) => hear(data)
}
