import type { Received } from '../log/received.ts'
import { isSendable, MAX_ID } from './last-event-id.ts'

/** An event, an id that came without one, or (`tooLarge`, `type: null`) what is left of an event past the limit. */
export type Block = Received & { tooLarge?: true }

/** What one chunk held. */
export interface Parsed {
  blocks: Block[]
  /** The reconnection time set, in ms; `null`: unchanged. */
  retry: number | null
  /** Comments that began in this chunk, or ended. */
  comments: number
  /** Events that went past the limit in this chunk (B1). Each one's block follows when it ends, if it ever does. */
  tooLarge: number
}

/** The HTML Standard's parser (9.2.6) over byte chunks, however they are cut (S2). */
export interface Parser {
  push(bytes: Uint8Array): Parsed
}

const LF = 10
const SPACE = 32
const COLON = 58

/** The fields of 9.2.6, as they begin a line that carries a value. */
const FIELDS = ['data:', 'event:', 'id:', 'retry:']

/**
 * The project's own parser, since an event past the limit is skipped, without being held, while the stream goes on
 * (B1). eventsource-parser ends at its limit and counts it by how the bytes were cut; a guard in front of it would have
 * to find the same lines once more. It is the oracle of this one's tests instead.
 *
 * @param lastEventId the last event ID to inherit from
 * @param maxEventSize of one event's data, and of its type, in characters (UTF-16 code units)
 */
export const createParser = (lastEventId: string, maxEventSize: number): Parser => {
  /** Strips one BOM at the start and no other, as the standard's "UTF-8 decode" does. */
  const decoder = new TextDecoder()
  let parsed: Parsed = { blocks: [], retry: null, comments: 0, tooLarge: 0 }
  /** The event under way. `data: null`: it has no data line yet. `skipped`: it went past the limit. */
  let event = { data: null as string | null, type: '', id: null as string | null, skipped: false }
  /**
   * The beginning of a line whose end has not come: `most` characters of it are kept at most, once it is known what
   * it is (`null`: not yet).
   */
  let line = { start: '', most: null as number | null }
  /** The chunk before ended with CR: an LF that comes first in the next one belongs to it. */
  let afterCr = false

  const skipEvent = () => {
    parsed.tooLarge += 1
    event = { ...event, data: null, type: '', skipped: true }
  }

  /** Characters that the event's next data line may have. */
  const room = () => maxEventSize - (event.data === null ? 0 : event.data.length + 1)

  const takeData = (text: string, from: number, to: number) => {
    if (event.skipped) return
    if (to - from > room()) return skipEvent()
    const value = text.slice(from, to)
    event.data = event.data === null ? value : `${event.data}\n${value}`
  }

  const dispatch = () => {
    const { data, id, skipped } = event
    if (id !== null) lastEventId = id
    const type = data === null ? null : event.type || 'message'
    const block = { position: id, id: lastEventId, type, data: data ?? '' }
    if (skipped) parsed.blocks.push({ ...block, tooLarge: true })
    else if (data !== null || id !== null) parsed.blocks.push(block)
    event = { data: null, type: '', id: null, skipped: false }
  }

  /** `text` from `from` to `to`, a whole line without its end. */
  const takeLine = (text: string, from: number, to: number) => {
    if (from === to) return dispatch()
    if (text.charCodeAt(from) === COLON) {
      parsed.comments += 1
      return
    }
    // The fast way: nearly all lines are these, and none of them needs its name cut out.
    if (text.startsWith('data:', from))
      return takeData(text, text.charCodeAt(from + 5) === SPACE ? from + 6 : from + 5, to)
    const whole = text.slice(from, to)
    const colon = whole.indexOf(':')
    const name = colon === -1 ? whole : whole.slice(0, colon)
    const value =
      colon === -1 ? '' : whole.slice(whole.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1)
    switch (name) {
      case 'data':
        return takeData(value, 0, value.length)
      case 'event':
        if (event.skipped) return
        if (value.length > maxEventSize) return skipEvent()
        event.type = value
        return
      case 'id':
        // A longer one is passed over like one with NUL, which the standard ignores: the id before it stays.
        if (!value.includes('\0') && isSendable(value)) event.id = value
        return
      case 'retry':
        if (value.length <= MAX_ID && /^\d+$/.test(value)) parsed.retry = Number(value)
    }
  }

  /** How many characters of an unfinished line are kept: a field's name, a colon, a space, and so much of its value. */
  const mostOf = (start: string): number | null => {
    const field = FIELDS.find((each) => start.startsWith(each))
    if (field === undefined) return FIELDS.some((each) => each.startsWith(start)) ? null : 0
    const name = field.length + (start.charCodeAt(field.length) === SPACE ? 1 : 0)
    if (field === 'data:') return event.skipped ? 0 : name + room()
    return name + (field === 'event:' ? maxEventSize : MAX_ID)
  }

  const keepLine = (text: string) => {
    if (line.most === 0) return
    if (line.start === '' && text.charCodeAt(0) === COLON) parsed.comments += 1
    line.start += text
    // One look while the line is short: each look at a string that grows by pieces copies all of it.
    if (line.most === null || line.start.length - text.length < 7) line.most = mostOf(line.start.slice(0, 7))
    if (line.most === null || line.start.length <= line.most) return
    const isPast = !event.skipped && (line.start.startsWith('data:') || line.start.startsWith('event:'))
    if (isPast) skipEvent()
    line = { start: '', most: 0 }
  }

  const endLine = (text: string, from: number, to: number) => {
    if (line.most === null && line.start === '') return takeLine(text, from, to)
    const { start, most } = line
    line = { start: '', most: null }
    // Nothing was kept of a line that is ignored.
    if (most === 0) return
    const whole = start + text.slice(from, to)
    takeLine(whole, 0, whole.length)
  }

  const feed = (text: string) => {
    if (text === '') return
    let from = afterCr && text.charCodeAt(0) === LF ? 1 : 0
    afterCr = false
    let cr = text.indexOf('\r', from)
    let lf = text.indexOf('\n', from)
    while (cr !== -1 || lf !== -1) {
      const to = lf === -1 || (cr !== -1 && cr < lf) ? cr : lf
      endLine(text, from, to)
      from = to + 1
      if (to === cr) {
        if (from === text.length) afterCr = true
        else if (text.charCodeAt(from) === LF) from += 1
        cr = text.indexOf('\r', from)
      }
      if (lf !== -1 && lf < from) lf = text.indexOf('\n', from)
    }
    if (from < text.length) keepLine(text.slice(from))
  }

  return {
    push(bytes) {
      feed(decoder.decode(bytes, { stream: true }))
      const found = parsed
      parsed = { blocks: [], retry: null, comments: 0, tooLarge: 0 }
      return found
    },
  }
}
