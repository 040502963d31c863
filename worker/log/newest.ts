import { controlOf, isControl } from '../../src/shared/control.ts'
import type { LoggedEvent } from '../../src/shared/events.ts'
import { sizeOf } from './one-read.ts'

/** Characters, of all events that are kept. */
const MOST_SIZE = 2 * 1024 * 1024

/** What the next transaction writes of these events, in this order of its parts. */
export interface NewestWrite {
  /** What is stored is not of this log. */
  clear: boolean
  /** By `kindOf`. */
  drop: string[]
  put: LoggedEvent[]
}

/**
 * The newest event of each topic and type, for those that the log has trimmed (ST3). While the log holds an event, nothing
 * is stored beside it: an event is stored in the transaction that trims it.
 */
export interface Newest {
  keep(event: LoggedEvent, committedUpTo: number): void
  /** `null`: none, or forgotten. */
  of(topic: string | null, type: string): LoggedEvent | null
  /** Those before `seq`, the oldest first. */
  before(seq: number): LoggedEvent[]
  /** The log in memory begins with `seq`: events from before it are not to hold on to its texts. */
  detach(seq: number): void
  /** What lies beyond `seq` was no part of the log. @param rest all uncommitted events that are left, at least */
  cut(seq: number, rest: LoggedEvent[]): void
  clear(): void
  /** What is kept replaces what is stored. */
  replaceStored(): void
  /** These are stored, and nothing is kept yet. The oldest come first. */
  stored(events: LoggedEvent[]): void
  /** Takes what is to be stored. @param first seq of the log's oldest event, once this is written; 0: none is trimmed */
  take(first: number): NewestWrite
}

export const kindOf = ({ topic, type }: Pick<LoggedEvent, 'topic' | 'type'>): string =>
  `${topic ?? ''}\n${type}`

interface Kept {
  event: LoggedEvent
  /** The newest committed event from before it, in case this one turns out to be no part of the log. */
  under: LoggedEvent | undefined
  isStored: boolean
  isDetached: boolean
}

/** @param most how many events are kept. Of more, the oldest go. */
export const createNewest = (most: number): Newest => {
  /** In order of seq. */
  const kept = new Map<string, Kept>()
  let size = 0
  let isStale = false
  const inStore = new Set<string>()
  const dropped = new Set<string>()

  const replaceStored = () => {
    isStale = true
    inStore.clear()
    dropped.clear()
    for (const each of kept.values()) each.isStored = false
  }
  const remove = (kind: string) => {
    const found = kept.get(kind)
    if (found === undefined) return
    size -= sizeOf(found.event)
    kept.delete(kind)
  }
  const drop = (kind: string) => {
    remove(kind)
    if (inStore.has(kind)) dropped.add(kind)
  }
  const set = (kind: string, event: LoggedEvent, under?: LoggedEvent, isStored = false) => {
    remove(kind)
    kept.set(kind, { event, under, isStored, isDetached: isStored })
    size += sizeOf(event)
    while (kept.size > most || size > MOST_SIZE) drop(kept.keys().next().value!)
  }
  const keep = (event: LoggedEvent, committedUpTo: number) => {
    const kind = kindOf(event)
    if (!isControl(event)) {
      const before = kept.get(kind)
      const isCommitted = before !== undefined && before.event.seq <= committedUpTo
      return set(kind, event, isCommitted ? before.event : before?.under)
    }
    if (controlOf(event).is === 'live') return
    for (const [each, { event: its }] of kept) if (its.topic === event.topic) drop(each)
  }

  return {
    keep,
    of: (topic, type) => kept.get(kindOf({ topic, type }))?.event ?? null,
    before: (seq) => [...kept.values()].flatMap(({ event }) => (event.seq < seq ? event : [])),
    detach(seq) {
      for (const each of kept.values()) {
        if (each.event.seq >= seq) break
        // A text that was cut out of a larger one keeps that in memory. There is no other way to copy it.
        if (!each.isDetached) each.event = JSON.parse(JSON.stringify(each.event))
        each.isDetached = true
        each.under = undefined
      }
    },
    cut(seq, rest) {
      for (const [kind, { event, under }] of kept) {
        if (event.seq <= seq) continue
        drop(kind)
        if (under !== undefined && under.seq <= seq) set(kind, under)
      }
      for (const event of rest) keep(event, seq)
    },
    clear() {
      kept.clear()
      size = 0
      replaceStored()
    },
    replaceStored,
    stored(events) {
      isStale = false
      for (const event of events) {
        inStore.add(kindOf(event))
        set(kindOf(event), event, undefined, true)
      }
    },
    take(first) {
      const put = [...kept.values()].filter(({ event, isStored }) => !isStored && event.seq < first)
      const write = { clear: isStale, put: put.map(({ event }) => event), drop: [...dropped] }
      for (const kind of dropped) inStore.delete(kind)
      for (const each of put) {
        each.isStored = true
        inStore.add(kindOf(each.event))
      }
      isStale = false
      dropped.clear()
      return write
    },
  }
}
