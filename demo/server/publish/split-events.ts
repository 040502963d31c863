/**
 * Splits the body of a request to publish, one JSON value or an array of them, into the texts of its events, as its bytes
 * come. JSON.parse of a whole body of 4 MiB stops the node for 130 ms, and of 4 MiB of brackets ends its stack; this
 * passes over each byte once, in the slices in which the network has them, and refuses at the byte where a bound is broken.
 */

export interface SplitLimits {
  /** Bytes of one event, white space and escapes included. */
  eventBytes: number
  /** Bytes of all. */
  bodyBytes: number
  events: number
  /** Levels of arrays and objects within an event. */
  depth: number
}

/** What is wrong with a body; `index` is the event's. */
export interface Refusal {
  reason: 'body_too_large' | 'event_too_large' | 'too_many' | 'too_deep' | 'malformed'
  index: number
}

export interface EventSplitter {
  /** @returns texts of events that are complete by now */
  push(bytes: Uint8Array): string[] | Refusal
  /** The body is over. */
  end(): string[] | Refusal
}

/** What a byte is to JSON's structure. */
const kinds = { other: 0, space: 1, quote: 2, backslash: 3, comma: 4, open: 5, close: 6 } as const
const kindOf = new Uint8Array(256)
for (const byte of Buffer.from(' \t\r\n')) kindOf[byte] = kinds.space
for (const byte of Buffer.from('[{')) kindOf[byte] = kinds.open
for (const byte of Buffer.from(']}')) kindOf[byte] = kinds.close
kindOf[0x22] = kinds.quote
kindOf[0x5c] = kinds.backslash
kindOf[0x2c] = kinds.comma
const openBracket = 0x5b
const closeBracket = 0x5d

/** Where the splitter is between two bytes. An event begins at `depth` 0, also within an array of events. */
interface Place {
  kind: 'start' | 'one' | 'many' | 'over'
  depth: number
  within: 'structure' | 'string' | 'escape'
}

/** The end of a string that `bytes` are within at `at`: behind its quote, or the end of the bytes. */
const passString = (bytes: Uint8Array, at: number, place: Place): number => {
  let index = at
  if (place.within === 'escape') {
    place.within = 'string'
    index += 1
  }
  for (; index < bytes.length; index++) {
    const kind = kindOf[bytes[index]!]
    if (kind === kinds.quote) {
      place.within = 'structure'
      return index + 1
    }
    if (kind === kinds.backslash) {
      index += 1
      if (index === bytes.length) place.within = 'escape'
    }
  }
  return Math.min(index, bytes.length)
}

export const createEventSplitter = (limits: SplitLimits): EventSplitter => {
  const place: Place = { kind: 'start', depth: 0, within: 'structure' }
  let parts: Uint8Array[] = []
  let eventBytes = 0
  let bodyBytes = 0
  let index = 0

  const take = (bytes: Uint8Array): boolean => {
    eventBytes += bytes.length
    parts.push(bytes)
    return eventBytes <= limits.eventBytes
  }

  const complete = (): string => {
    const text = Buffer.concat(parts).toString('utf8')
    parts = []
    eventBytes = 0
    index += 1
    return text
  }

  const refuse = (reason: Refusal['reason']): Refusal => ({ reason, index })

  /** Skips white space, and the bracket of an array of events. @returns where the first event may begin */
  const begin = (bytes: Uint8Array): number => {
    let at = 0
    while (at < bytes.length && kindOf[bytes[at]!] === kinds.space) at += 1
    if (at === bytes.length) return at
    place.kind = bytes[at] === openBracket ? 'many' : 'one'
    return place.kind === 'many' ? at + 1 : at
  }

  const push = (bytes: Uint8Array): string[] | Refusal => {
    bodyBytes += bytes.length
    if (bodyBytes > limits.bodyBytes) return refuse('body_too_large')
    const texts: string[] = []
    let from = place.kind === 'start' ? begin(bytes) : 0
    let at = from
    while (at < bytes.length && place.kind !== 'over') {
      if (place.within !== 'structure') {
        at = passString(bytes, at, place)
        continue
      }
      const byte = bytes[at]!
      const kind = kindOf[byte]
      at += 1
      if (kind === kinds.other) continue
      if (kind === kinds.quote) place.within = 'string'
      const isBorder = place.kind === 'many' && place.depth === 0
      const isEnd = isBorder && byte === closeBracket
      if (isEnd || (isBorder && kind === kinds.comma)) {
        if (index >= limits.events) return refuse('too_many')
        if (!take(bytes.subarray(from, at - 1))) return refuse('event_too_large')
        const text = complete()
        // `[]` is no event. Any other gap is JSON.parse's to refuse.
        if (!(isEnd && index === 1 && text.trim() === '')) texts.push(text)
        from = at
        if (isEnd) place.kind = 'over'
      } else if (kind === kinds.open && ++place.depth > limits.depth) return refuse('too_deep')
      else if (kind === kinds.close && --place.depth < 0) return refuse('malformed')
    }
    if (place.kind === 'over')
      return bytes.subarray(at).every((byte) => kindOf[byte] === kinds.space) ? texts : refuse('malformed')
    if (place.kind !== 'start' && !take(bytes.subarray(from))) return refuse('event_too_large')
    return texts
  }

  return {
    push,
    end() {
      if (place.kind === 'over') return []
      return place.kind === 'one' ? [complete()] : refuse('malformed')
    },
  }
}
