import type { StoredEvent } from './store.ts'

/** By event: the streams of a user are given the same ones (feeds.ts). */
const formatted = new WeakMap<StoredEvent, string>()

/** HTML Standard 9.2.6: each line of the payload needs a `data` field of its own, whatever ends it. */
export const formatEvent = (event: StoredEvent): string => {
  const known = formatted.get(event)
  if (known !== undefined) return known
  const { id, type, data } = event
  const text = `id: ${id}\nevent: ${type}\n${data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`
  formatted.set(event, text)
  return text
}

/** A comment dispatches nothing, but any byte is a sign of life (R2). */
export const formatComment = (text: string): string => `: ${text}\n\n`

/** A block without data moves the client's position and dispatches no event (9.2.6, "dispatch the event"). */
export const formatPosition = (id: string): string => `id: ${id}\n\n`

/** How long a client waits before it comes back, from now on: milliseconds. */
export const formatRetry = (milliseconds: number): string => `retry: ${milliseconds}\n\n`
