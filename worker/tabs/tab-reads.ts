import { isControl, ownOf } from '../../src/shared/control.ts'
import { type Cursor, hasType, type LoggedEvent } from '../../src/shared/events.ts'
import { pack } from '../../src/shared/packed-events.ts'
import type { ReadAnswer, ReadRequest } from '../../src/shared/protocol.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import { readBack } from '../log/read-back.ts'
import type { Batches } from './batches.ts'

/** The most in one answer; `size` in characters. */
const MOST = { events: 1_000, size: 1024 * 1024 }

export interface TabReadsOptions {
  platform: Pick<Platform, 'after'>
  log: Pick<Log, 'facts' | 'newest' | 'outlived' | 'place' | 'position' | 'read'>
  batches: Pick<Batches, 'isJoining' | 'toldUpTo'>
  /** Sends the tab what it lacks. */
  pump(): void
}

/**
 * What a tab reads of the log by itself, in its place among the batches (ST1, ST2). The tab gets no event before its
 * listeners could have it, and what it is yet to be sent comes after what it has read.
 */
export interface TabReads {
  read(what: ReadRequest): Promise<ReadAnswer>
  /** Resolves once the tab has been sent all that it follows up to this place of the present log. */
  sent(place: Cursor): Promise<void>
  /** The tab has been told more than before, or of another log. */
  look(): void
}

export const createTabReads = ({ platform, log, batches, pump }: TabReadsOptions): TabReads => {
  /** Calls that wait until the tab is told more. The calls of a tab that is gone wait for nobody. */
  let waiting: (() => void)[] = []

  /** Waits until `found` gives something. What it gives changes when the tab is told more, or when the log changes. */
  const once = async <Found>(found: () => Found | null): Promise<Found> => {
    let value = found()
    if (value === null) pump()
    for (; value === null; value = found()) await new Promise<void>((resolve) => waiting.push(resolve))
    return value
  }

  /** The seq after which this log has all events of the topic. `null`: it has none. */
  const coveredAfter = (topic: string | null): number | null => {
    const beforeFirst = log.facts().first - 1
    if (topic === null) return beforeFirst
    const record = ownOf(log.position().topics, topic)
    return record?.is === 'live' ? Math.max(beforeFirst, record.resetAt ?? record.since) : null
  }

  /** The seq after which the events are asked for; `null`: the log does not know that place. */
  const startOf = (from: Exclude<ReadRequest['from'], { last: number }>): number | null => {
    if ('after' in from) return log.facts().seqOf(from.after)
    return from.behind.epoch === log.position().epoch ? from.behind.seq : null
  }

  /** @returns `null`: the log has changed meanwhile */
  const readUpTo = async (
    cursor: Cursor,
    { topic, types, from }: ReadRequest,
  ): Promise<ReadAnswer | null> => {
    const place = log.place(cursor.seq)
    const covered = coveredAfter(topic)
    const start = 'last' in from ? 0 : startOf(from)
    const isReached = 'last' in from || (start !== null && covered !== null && start >= covered)
    if (covered === null) return { cursor: place, events: pack([]), isWhole: isReached }
    const isWanted = (event: LoggedEvent) =>
      event.topic === topic && !isControl(event) && hasType(types, event.type) && event.seq <= cursor.seq
    if ('last' in from && from.last === 1 && types !== '*' && types.length === 1) {
      // This saves the usual question a walk through the log.
      const newest = log.newest(topic, types[0]!)
      if (newest !== null && isWanted(newest)) return { cursor: place, events: pack([newest]), isWhole: true }
    }
    const read = await readBack(log, {
      after: Math.max(covered, start ?? 0),
      upTo: cursor.seq,
      isWanted,
      most: 'last' in from ? { ...MOST, events: Math.min(MOST.events, from.last) } : MOST,
    })
    const now = log.place()
    if (read === null || now.epoch !== place.epoch || now.leader !== place.leader) return null
    // A topic may have been refused, or reset, while its events were read.
    if (coveredAfter(topic) === null || (topic !== null && coveredAfter(topic)! > covered)) return null
    if (!('last' in from))
      return { cursor: place, events: pack(read.events), isWhole: isReached && read.isAll }
    const missing = from.last - read.events.length
    const older = missing > 0 ? log.outlived().filter(isWanted).slice(-missing) : []
    return { cursor: place, events: pack([...older, ...read.events].slice(-MOST.events)), isWhole: true }
  }

  return {
    async read(what) {
      for (;;) {
        const cursor = await once(() => (batches.isJoining(what.topic) ? null : batches.toldUpTo()))
        const answer = await readUpTo(cursor, what)
        if (answer !== null) return answer
        // The change that is under way gets its turn first.
        await pause(platform, 0)
      }
    },
    async sent({ epoch, seq }) {
      await once(() => {
        const told = batches.toldUpTo()
        return log.position().epoch !== epoch || (told?.epoch === epoch && told.seq >= seq) || null
      })
    },
    look() {
      const all = waiting
      waiting = []
      for (const resolve of all) resolve()
    },
  }
}
