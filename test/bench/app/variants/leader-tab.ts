import type { OpenVariant } from './variant.ts'

/** The tab that holds a Web Lock has the EventSource, and tells the others over a BroadcastChannel. */
export const leaderTab: OpenVariant = (url, { run, hear, opened }) => {
  const channel = new BroadcastChannel(run)
  let isOpen = false
  channel.onmessage = ({ data }) => {
    if (data.type === 'event') return hear(data.data)
    if (data.type === 'hello' && isOpen) channel.postMessage({ type: 'open' })
    if (data.type === 'open') opened()
  }
  void navigator.locks.request(run, () => {
    const source = new EventSource(url)
    source.onopen = () => {
      isOpen = true
      channel.postMessage({ type: 'open' })
      opened()
    }
    source.onmessage = ({ data, lastEventId }) => {
      channel.postMessage({ type: 'event', data, id: lastEventId })
      hear(data)
    }
    return new Promise(() => {})
  })
  channel.postMessage({ type: 'hello' })
}
