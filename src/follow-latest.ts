import type { EventMap, Heard, Off } from './stream.ts'

/** What `useLatest` of each framework shows. @param set hears the payload of each event of the type */
export const followLatest = (heard: Heard<EventMap>, type: string, set: (payload: unknown) => void): Off =>
  heard.on(type, (payload) => set(payload))
