import { isControl } from '../../src/shared/control.ts'
import type { Follow, LoggedEvent, Types } from '../../src/shared/events.ts'
import type { PackedEvents } from '../../src/shared/packed-events.ts'
import { pack } from '../../src/shared/packed-events.ts'
import type { Log } from '../log/log.ts'
import { READ_EVENTS } from '../log/one-read.ts'

/** How many reads are kept: tabs that keep up stand at one place, or two. */
const KEPT = 4

/** Those events of one read that a tab follows. */
export interface Selection {
  /** The seq at which the read ends, whether or not the tab follows that event. */
  to: number
  /** The last event ID there. */
  id: string
  /** When the newest event that the tab follows was received, in ms since 1970; `null`: there is none. */
  at: number | null
  events: PackedEvents
  /**
   * The seq of the last control among them; `null`: there is none. Controls come first, since the tab has to wait until
   * they are committed, and not for what comes before them.
   */
  control: number | null
}

/** Reads and filters once for all tabs that stand at the same place and follow the same. */
export interface SharedReads {
  /** What one read after `after` gives; `null`: there are no events any more. @param key `followKey(follow)` */
  next(after: number, follow: Follow, key: string): Selection | null | Promise<Selection | null>
}

interface Read {
  head: number
  events: LoggedEvent[]
  /** By `followKey`. */
  selections: Map<string, Selection>
}

const setOf = (types: Types) => (types === '*' ? null : new Set(types))

const select = (events: LoggedEvent[], follow: Follow): Selection => {
  const types = setOf(follow.types)
  const topics = new Map(Object.entries(follow.topics).map(([name, types]) => [name, setOf(types)]))
  const isFollowed = ({ type, topic }: LoggedEvent) => {
    const its = topic === null ? types : topics.get(topic)
    return its !== undefined && (its === null || type === '' || its.has(type))
  }
  const followed: LoggedEvent[] = []
  let control: number | null = null
  let end = 0
  for (; end < events.length; end++) {
    const event = events[end]!
    if (!isFollowed(event)) continue
    if (isControl(event)) {
      if (followed.length > 0 && followed.at(-1)!.seq !== control) break
      control = event.seq
    }
    followed.push(event)
  }
  const { seq: to, id } = events[end - 1]!
  return { to, id, at: followed.at(-1)?.at ?? null, events: pack(followed), control }
}

export const createSharedReads = (log: Pick<Log, 'read' | 'head' | 'position'>): SharedReads => {
  const reads = new Map<string, Read>()

  const readAfter = (after: number): Read | Promise<Read> => {
    // The events after a seq change only with the epoch, or with the leader, who may have cut the log.
    const { epoch, leader } = log.position()
    const name = `${epoch} ${leader} ${after}`
    const kept = reads.get(name)
    // A read that was not full may have missed what was appended since.
    if (kept !== undefined && (kept.head === log.head() || kept.events.length === READ_EVENTS)) return kept
    const keep = (events: LoggedEvent[]): Read => {
      const read = { head: log.head(), events, selections: new Map<string, Selection>() }
      if (events.length === 0) return read
      reads.delete(name)
      reads.set(name, read)
      if (reads.size > KEPT) reads.delete(reads.keys().next().value!)
      return read
    }
    const events = log.read(after)
    return Array.isArray(events) ? keep(events) : events.then(keep)
  }

  return {
    next(after, follow, key) {
      const pick = ({ events, selections }: Read) => {
        if (events.length === 0) return null
        const selection = selections.get(key) ?? select(events, follow)
        selections.set(key, selection)
        return selection
      }
      const read = readAfter(after)
      return 'then' in read ? read.then(pick) : pick(read)
    },
  }
}
