import type { StoredEvent } from '../store/event-store.ts'

/** HTML Standard 9.2.6: each line of the payload needs a `data` field of its own, whatever ends it. */
export const formatEvent = ({ id, type, data }: StoredEvent): string =>
  `id: ${id}\nevent: ${type}\n${data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`

const formatted = new WeakMap<readonly StoredEvent[], string>()

/** Once for all streams that are given the same batch (feeds.ts). */
export const formatEvents = (events: readonly StoredEvent[]): string => {
  const known = formatted.get(events)
  if (known !== undefined) return known
  const text = events.map(formatEvent).join('')
  formatted.set(events, text)
  return text
}

/** A comment dispatches nothing, but any byte is a sign of life (R2). */
export const formatComment = (text: string): string => `: ${text}\n\n`

/** A block without data moves the client's position and dispatches no event (9.2.6, "dispatch the event"). */
export const formatPosition = (id: string): string => `id: ${id}\n\n`

/** How long a client waits before it comes back, from now on: milliseconds. */
export const formatRetry = (milliseconds: number): string => `retry: ${milliseconds}\n\n`
