/** What may be in the log, wherever it comes from: everything passes the publisher, and the publisher asks here. */

/** Characters of an event's type, and of the name of a user. */
export const longestName = 256

/** Levels of arrays and objects in a payload: what is deeper ends somebody's stack, here or at a client. */
export const deepest = 64

/** The type by which a stream tells what has become of the topics that were asked for (R7). */
export const markerType = 'stream.topics'

const forbidden = new RegExp(`[\\r\\n\\0\\p{Cs}]|^$|^.{${longestName + 1}}`, 'su')

/**
 * A type goes into a line of the stream as it is: with a line end in it, it would be more lines, and so other fields, other
 * ids and other events of the same stream (HTML Standard, 9.2.6). Half a surrogate pair has no UTF-8: it would be another name on the wire.
 */
export const isName = (name: unknown): name is string => typeof name === 'string' && !forbidden.test(name)

/** Does not recurse: a payload that is too deep for that is what it looks for. */
export const isTooDeep = (data: unknown): boolean => {
  let level: unknown[] = [data]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    )
  }
  return false
}
