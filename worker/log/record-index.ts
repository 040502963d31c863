import type { LoggedEvent } from '../../src/shared/events.ts'
import { isFullRead, sizeOf } from './one-read.ts'
import type { LogRecord } from './store.ts'

/**
 * Events a record, at most: each costs the browser's process a request, and a read for a tab that is a little behind
 * should not load a whole log.
 */
const RECORD_EVENTS = 500

/** A record without its events. */
export type RecordInfo = Omit<LogRecord, 'events'>

/** Packs events into records. Trimming drops whole ones: at least ten keep the log near its bounds (B2). */
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

/** What IndexedDB holds, or is about to, so that neither a read nor a trim has to look there. */
export interface RecordIndex {
  /** The oldest; `null`: there is none. */
  oldest(): RecordInfo | null
  /** seq of the newest event; `null`: there is none. */
  last(): number | null
  add(records: RecordInfo[]): void
  /** Forgets the oldest while `isTooMuch` says so. @returns whether any went */
  trim(isTooMuch: (oldest: RecordInfo, size: number) => boolean): boolean
  /** Forgets what reaches beyond `seq`. */
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
