import type { Received } from '../log/received.ts'
import { isSendable, MAX_ID } from './last-event-id.ts'

/**
 * One block of the stream: an event, an id that came without an event, or what is left of an event past the limit
 * (`tooLarge`, perhaps with `type: null`).
 */
export type Block = Received & { tooLarge?: true }

/** What one chunk held. */
export interface Parsed {
  blocks: Block[]
  /** The reconnection time that the chunk set, in ms; `null`: the chunk set none. */
  retry: number | null
  /** How many comments began or ended in this chunk. */
  comments: number
  /** How many events went past the limit in this chunk (B1). The block of such an event comes when the event ends. */
  tooLarge: number
}

/** The HTML Standard's parser (9.2.6) over byte chunks, however they are cut (S2). */
export interface Parser {
  push(bytes: Uint8Array): Parsed
}

const LF = 10
const SPACE = 32
const COLON = 58

/** The fields of 9.2.6, as a line begins that gives the field a value. */
const FIELDS = ['data:', 'event:', 'id:', 'retry:']
/**
 * How a comment begins that names the topic of its block (R7). An unknown field would do for this parser, but servers'
 * frameworks write comments, and no unknown fields.
 */
const TOPIC = ': topic '
/** Characters of the longest topic. A comment with more is a comment like any other. */
const MOST_TOPIC = 200
/** Characters by which `mostOf` knows what a line is. */
const TELLING = TOPIC.length

/** An event before its first line. `data: null`: no data line has come. `skipped`: the event went past the limit. */
const UNBEGUN = {
  data: null as string | null,
  type: '',
  id: null as string | null,
  skipped: false,
  topic: null as string | null,
}

/**
 * The project's own parser. It skips an event past the limit without holding it, and the stream goes on (B1).
 * eventsource-parser ends at its limit, and what it counts depends on how the bytes were cut. A guard in front of
 * eventsource-parser would have to find the same lines once more. So eventsource-parser is the oracle of the tests.
 *
 * Over 80 lines: nearly every line of a chunk passes through all of these functions, and they share the line and the
 * event under way.
 *
 * @param lastEventId the last event ID to inherit from
 * @param maxEventSize of one event's data, and of its type, in characters (UTF-16 code units)
 * @param hasTopics whether a `: topic` line names the topic of its block (R7)
 */
export const createParser = (lastEventId: string, maxEventSize: number, hasTopics: boolean): Parser => {
  /** The decoder strips one BOM at the start and no other, as the standard's "UTF-8 decode" does. */
  const decoder = new TextDecoder()
  let parsed: Parsed = { blocks: [], retry: null, comments: 0, tooLarge: 0 }
  /** The event under way. */
  let event = { ...UNBEGUN }
  /** How the lines begin that count. */
  const kept = hasTopics ? [...FIELDS, TOPIC] : FIELDS
  /**
   * The beginning of a line whose end has not come yet. At most `most` characters of the line are kept. `null`: the
   * field is not known yet.
   */
  let line = { start: '', most: null as number | null }
  /** The chunk before ended with CR. An LF at the start of the next chunk belongs to that CR. */
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
    const { data, id, skipped, topic } = event
    if (id !== null) lastEventId = id
    const type = data === null ? null : event.type || 'message'
    const block = { givenId: id, id: lastEventId, type, data: data ?? '', topic }
    if (skipped) parsed.blocks.push({ ...block, tooLarge: true })
    else if (data !== null || id !== null) parsed.blocks.push(block)
    event = { ...UNBEGUN }
  }

  /** `text` from `from` to `to`, a whole line without its end. */
  const takeLine = (text: string, from: number, to: number) => {
    if (from === to) return dispatch()
    if (text.charCodeAt(from) === COLON) {
      const isTopic = hasTopics && text.startsWith(TOPIC, from) && to - from <= TOPIC.length + MOST_TOPIC
      if (isTopic) event.topic = text.slice(from + TOPIC.length, to)
      else parsed.comments += 1
      return
    }
    // The fast way for nearly all lines, which needs no copy of the field's name.
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
        // The standard ignores an id with NUL. An id too long to be sent is ignored likewise: the id before it stays.
        if (!value.includes('\0') && isSendable(value)) event.id = value
        return
      case 'retry':
        if (value.length <= MAX_ID && /^\d+$/.test(value)) parsed.retry = Number(value)
    }
  }

  /** How many characters of an unfinished line are kept: the field's name, a colon, a space, and part of its value. */
  const mostOf = (start: string): number | null => {
    const field = kept.find((each) => start.startsWith(each))
    if (field === undefined) return kept.some((each) => each.startsWith(start)) ? null : 0
    if (field === TOPIC) return TOPIC.length + MOST_TOPIC
    const name = field.length + (start.charCodeAt(field.length) === SPACE ? 1 : 0)
    if (field === 'data:') return event.skipped ? 0 : name + room()
    return name + (field === 'event:' ? maxEventSize : MAX_ID)
  }

  const keepLine = (text: string) => {
    if (line.most === 0) return
    if (line.start === '' && text.charCodeAt(0) === COLON) parsed.comments += 1
    line.start += text
    // One look while the line is short: each look at a string that grows by pieces copies all of it.
    if (line.most === null || line.start.length - text.length < TELLING)
      line.most = mostOf(line.start.slice(0, TELLING))
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
