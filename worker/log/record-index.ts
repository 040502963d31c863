import type { LoggedEvent } from '../../src/shared/events.ts'
import { isFullRead, sizeOf } from './one-read.ts'
import type { LogRecord } from './store.ts'

/**
 * The most events in one record. Fewer would cost the browser's process a request for each further record. More would
 * load a whole log for a tab that is a little behind.
 */
const RECORD_EVENTS = 500

/** A record without its events. */
export type RecordInfo = Omit<LogRecord, 'events'>

/**
 * Packs events into records. A trim drops whole records: with at least ten of them the log stays near its bounds
 * (B2).
 */
export const toRecords = (events: LoggedEvent[], bounds: { events: number; bytes: number }): LogRecord[] => {
  const most = Math.min(RECORD_EVENTS, Math.ceil(bounds.events / 10))
  const made: LogRecord[] = []
  for (const event of events) {
    const { seq, at } = event
    const size = sizeOf(event)
    const open = made.at(-1)
    if (open !== undefined && open.events.length < most && open.size < bounds.bytes / 10) {
      open.events.push(event)
      open.last = seq
      open.size += size
      open.at = at
    } else made.push({ first: seq, last: seq, size, at, oldestAt: at, events: [event] })
  }
  return made
}

/** The records that IndexedDB holds, or is about to hold, so that neither a read nor a trim has to look there. */
export interface RecordIndex {
  /** The oldest; `null`: there is none. */
  oldest(): RecordInfo | null
  /** seq of the newest event; `null`: there is none. */
  last(): number | null
  add(records: RecordInfo[]): void
  /** Forgets the oldest records while `isTooMuch` says so. @returns whether any went */
  trim(isTooMuch: (oldest: RecordInfo, size: number) => boolean): boolean
  /** Forgets the records that reach beyond `seq`. */
  cut(seq: number): void
  /** The keys of the records that one read after `seq` takes; `null`: there are none. */
  span(seq: number): { from: number; to: number } | null
  clear(): void
}

export const createRecordIndex = (): RecordIndex => {
  let infos: RecordInfo[] = []
  let size = 0

  return {
    oldest: () => infos[0] ?? null,
    last: () => infos.at(-1)?.last ?? null,
    add(records) {
      for (const { first, last, size: its, at, oldestAt } of records) {
        infos.push({ first, last, size: its, at, oldestAt })
        size += its
      }
    },
    trim(isTooMuch) {
      let drop = 0
      for (; drop < infos.length && isTooMuch(infos[drop]!, size); drop++) size -= infos[drop]!.size
      if (drop > 0) infos = infos.slice(drop)
      return drop > 0
    },
    cut(seq) {
      for (let newest = infos.at(-1); newest !== undefined && newest.last > seq; newest = infos.at(-1))
        size -= infos.pop()!.size
    },
    span(seq) {
      const start = infos.findLastIndex((record) => record.first <= seq + 1)
      if (start === -1) return null
      let end = start
      for (let taken = infos[end]!.size; end + 1 < infos.length; taken += infos[++end]!.size)
        if (isFullRead(infos[end]!.last - seq, taken)) break
      return { from: infos[start]!.first, to: infos[end]!.first }
    },
    clear() {
      infos = []
      size = 0
    },
  }
}
