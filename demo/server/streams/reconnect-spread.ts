import { formatComment, formatRetry } from './sse-format.ts'

/** Milliseconds: what clients wait at first by themselves. */
export const shortestRetry = 1_000
const longestRetry = 30_000
/** A replaced client's wait: a browser of its own keeps another stream open. Doubled by those that back off. */
const day = 86_400_000

/**
 * The `retry:` of the streams of a node, in milliseconds: over so long a time they come back when they are all dropped
 * together, at so many a second. With few streams it is the second that clients take anyway.
 */
export const retryFor = (streams: number, reconnectsPerSecond: number): number =>
  Math.min(longestRetry, Math.max(shortestRetry, Math.round((streams / reconnectsPerSecond) * 1_000)))

/**
 * One stream's own. A client of this library draws its wait from 0 to the `retry:`; a browser's EventSource waits just
 * as long as it is told, so each of those is told something else.
 *
 * @param draws whether the client draws its wait
 * @param random in [0, 1)
 */
export const retryOf = (retry: number, draws: boolean, random: number): number =>
  draws ? retry : Math.round(retry * (0.5 + random / 2))

/** What an EventSource is told that was replaced: it would come back at once, and replace who has replaced it. */
export const formatReplaced = (): string => formatComment('replaced') + formatRetry(day)
