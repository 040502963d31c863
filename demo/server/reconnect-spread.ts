import { formatComment, formatRetry } from './sse-format.ts'

/** Reconnections a second that the other nodes shall bear when this one goes. */
const perSecond = 250
/** Milliseconds. */
const shortest = 1_000
const longest = 30_000
/** A replaced client's wait: a browser of its own keeps another stream open. Doubled by those that back off. */
const day = 86_400_000

/**
 * The `retry:` of a stream that ends because its node does, in milliseconds. Half of it is the same for all, half is
 * random: clients that wait just so long come apart, and those that draw their wait from 0 to it, as this library's
 * do, are not drawn to the start.
 *
 * @param streams that end with it
 * @param random in [0, 1)
 */
export const reconnectIn = (streams: number, random: number): number => {
  const span = Math.min(longest, Math.max(shortest, (streams / perSecond) * 1_000))
  return Math.round(span * (0.5 + random / 2))
}

/** What an EventSource is told that was replaced: it would come back at once, and replace who has replaced it. */
export const formatReplaced = (): string => formatComment('replaced') + formatRetry(day)
