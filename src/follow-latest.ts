import type { EventMap, Heard, Off } from './stream.ts'

/**
 * What `useLatest` of each framework shows: the newest of the log, until it hears a newer one (ST1).
 *
 * @param set hears the payload of each event of the type
 */
export const followLatest = (heard: Heard<EventMap>, type: string, set: (payload: unknown) => void): Off => {
  let isOlder = false
  const off = heard.on(type, (payload) => {
    isOlder = true
    set(payload)
  })
  // Without a hub, or without the file, the component waits for the next event.
  heard.latest(type).then(
    (newest) => newest === null || isOlder || set(newest.payload),
    () => {},
  )
  return () => {
    isOlder = true
    off()
  }
}
