import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open } from 'lmdb'
import { formatEventId, parseEventId } from './event-id.ts'
import {
  dayOfTopics,
  type EventStore,
  type Lookup,
  mostTopics,
  type NewEvent,
  type Once,
  type Place,
  type Read,
  type ReadLimit,
  type Retention,
  type StoredEvent,
  sizeOf,
  tooManyTopics,
  usedForOthers,
} from './event-store.ts'
import { createNames } from './lmdb-once.ts'
import { createWakeups } from './wakeups.ts'

export interface LmdbStoreOptions {
  dataDir: string
  retention: Retention
  random: (bytes: number) => Buffer
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

/** An event in the log of its topic. */
interface Entry extends Omit<NewEvent, 'topic'> {
  at: number
  account: string
  /** The n-th event of its topic. */
  position: number
  /** Place of the topic's event before this one, kept or not; 0: this is the first. It proves that nothing is missing. */
  former: number
}

interface TopicRecord {
  /** Place of its newest event. */
  last: number
  /** Events ever. */
  count: number
  /** Events kept. */
  kept: number
}

interface AccountRecord {
  bytes: number
  events: number
}

const maxKey = Number.MAX_SAFE_INTEGER

/*
 * A place is a number of the one order. It counts up over all topics. `logs` has the events by topic and place, `spent` the
 * same by account and place, for what an account may keep. All is in one file, and each append in one transaction.
 */
const openDatabases = (dataDir: string, now: () => number) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // Without overlappingSync the promise of a write waits for the disk, which is what `append` promises.
  const root = open({ path: join(dataDir, 'events.lmdb'), overlappingSync: false, maxDbs: 32 })
  return {
    root,
    logs: root.openDB<Entry, [topic: string, place: number]>({ name: 'logs' }),
    topics: root.openDB<TopicRecord, string>({ name: 'topics' }),
    /** The topics by their newest event. */
    quiet: root.openDB<string, number>({ name: 'quiet-topics' }),
    accounts: root.openDB<AccountRecord, string>({ name: 'accounts' }),
    spent: root.openDB<string, [account: string, place: number]>({ name: 'spent' }),
    /** Since when it counts that an account appends to a topic, and the other way round. */
    today: root.openDB<number, [account: string, topic: string]>({ name: 'topics-of-accounts' }),
    days: root.openDB<true, [account: string, at: number, topic: string]>({ name: 'days-of-topics' }),
    /** `last`: the end of the order. `floor`: topics that are forgotten had no event behind it. `topics`: how many there are. */
    places: root.openDB<number, 'last' | 'floor' | 'topics'>({ name: 'places' }),
    meta: root.openDB<string, string>({ name: 'meta' }),
    names: createNames(root, now),
  }
}

type Databases = ReturnType<typeof openDatabases>

/** Records that one transaction changes often, and writes once. */
const createRecords = <Value>(database: Database<Value, string>, none: Value) => {
  const changed = new Map<string, Value>()
  return {
    get: (key: string): Value => changed.get(key) ?? database.get(key) ?? none,
    set: (key: string, value: Value) => void changed.set(key, value),
    changed: () => changed.keys(),
    flush(): void {
      for (const [key, value] of changed) database.put(key, value)
      changed.clear()
    },
  }
}

/** What an append does within its transaction. */
const createWriter = (databases: Databases, retention: Retention, now: () => number) => {
  // Over 80 lines: what is put, and what goes for it, are accounted for in the same records.
  const { logs, quiet, spent, today, days, places } = databases
  const topics = createRecords(databases.topics, { last: 0, count: 0, kept: 0 })
  const accounts = createRecords(databases.accounts, { bytes: 0, events: 0 })

  const remove = (topic: string, place: number) => {
    const entry = logs.get([topic, place])!
    logs.remove([topic, place])
    spent.remove([entry.account, place])
    const { bytes, events } = accounts.get(entry.account)
    accounts.set(entry.account, { bytes: bytes - sizeOf({ ...entry, topic }), events: events - 1 })
    const record = topics.get(topic)
    topics.set(topic, { ...record, kept: record.kept - 1 })
  }

  const trimTopic = (topic: string) => {
    const over = topics.get(topic).kept - retention.events
    if (over <= 0) return
    const oldest = logs.getKeys({ start: [topic, 0], end: [topic, maxKey], limit: over })
    for (const [, place] of [...oldest]) remove(topic, place)
  }

  const trimAccount = (account: string) => {
    for (;;) {
      const { bytes, events } = accounts.get(account)
      if (events <= 1 || (bytes <= retention.bytesPerAccount && events <= retention.eventsPerAccount)) return
      const [oldest] = [...spent.getRange({ start: [account, 0], end: [account, maxKey], limit: 1 })]
      remove(oldest!.value, oldest!.key[1])
    }
  }

  const forgetQuietTopics = () => {
    const over = (places.get('topics') ?? 0) - mostTopics
    if (over <= 0) return
    for (const { key, value: topic } of [...quiet.getRange({ limit: over })]) {
      for (const [, place] of [...logs.getKeys({ start: [topic, 0], end: [topic, maxKey] })])
        remove(topic, place)
      topics.flush()
      quiet.remove(key)
      databases.topics.remove(topic)
      places.put('floor', key)
    }
    places.put('topics', mostTopics)
  }

  /** Whether the account may append to these topics. */
  const admit = (account: string, named: ReadonlySet<string>): boolean => {
    const begins = now() - dayOfTopics
    const fresh = [...named].filter((topic) => (today.get([account, topic]) ?? 0) <= begins)
    if (fresh.length === 0) return true
    let count = fresh.length
    for (const [, since, topic] of [
      ...days.getKeys({ start: [account, 0, ''], end: [account, maxKey, ''] }),
    ]) {
      if (since > begins) count += 1
      else {
        days.remove([account, since, topic])
        today.remove([account, topic])
      }
    }
    if (count > retention.topicsPerAccount) return false
    for (const topic of fresh) {
      today.put([account, topic], now())
      days.put([account, now(), topic], true)
    }
    return true
  }

  return {
    admit,
    /** Puts the events behind the end, the first one at `start`, and trims what is too old or too much. */
    put(account: string, events: readonly NewEvent[], start: number): void {
      const at = now()
      events.forEach((event, index) => {
        const { topic, ...rest } = event
        const place = start + index
        const { last, count, kept } = topics.get(topic)
        logs.put([topic, place], { ...rest, at, account, position: count + 1, former: last })
        spent.put([account, place], topic)
        if (last > 0) quiet.remove(last)
        else places.put('topics', (places.get('topics') ?? 0) + 1)
        quiet.put(place, topic)
        topics.set(topic, { last: place, count: count + 1, kept: kept + 1 })
        const spending = accounts.get(account)
        accounts.set(account, { bytes: spending.bytes + sizeOf(event), events: spending.events + 1 })
      })
      places.put('last', start + events.length - 1)
      for (const topic of [...topics.changed()]) trimTopic(topic)
      trimAccount(account)
      topics.flush()
      forgetQuietTopics()
      accounts.flush()
    },
  }
}

/** Reads of several logs at one instant, by the one order. */
const createReader = ({ logs, topics, places }: Databases, epoch: string) => {
  const last = () => places.get('last') ?? 0

  /** A place of this order that is not ahead of it. */
  const placeOf = (id: string): number | undefined => {
    const parsed = parseEventId(id)
    const isKnown = parsed?.epoch === epoch && parsed.stamp === undefined && parsed.position <= last()
    return isKnown ? parsed.position : undefined
  }

  /** The events behind a place, as they are wanted; each says in `isNext` whether nothing is missing before it. */
  function* behind(
    topic: string,
    place: number,
  ): Generator<{ event: StoredEvent; place: number; isNext: boolean }> {
    let former = place
    for (const { key, value } of logs.getRange({ start: [topic, place + 1], end: [topic, maxKey] })) {
      const { former: before, account: _, ...event } = value
      const at = key[1]
      yield { event: { ...event, topic, id: formatEventId(epoch, at) }, place: at, isNext: before <= former }
      former = at
    }
  }

  const lookup = (topic: string, id: string): Lookup => {
    const place = placeOf(id)
    if (place === undefined) return 'unknown'
    for (const { isNext } of behind(topic, place)) return isNext ? 'known' : 'trimmed'
    return (topics.get(topic)?.last ?? places.get('floor') ?? 0) <= place ? 'known' : 'trimmed'
  }

  const read = (asked: readonly Place[], limit: ReadLimit): Read => {
    const lost = new Set<string>()
    const open = asked.flatMap(({ topic, after, passesGaps = after === null }) => {
      if (!passesGaps && lookup(topic, after!) !== 'known') lost.add(topic)
      if (lost.has(topic)) return []
      const events = behind(topic, after === null ? 0 : (placeOf(after) ?? 0))
      const { value: next } = events.next()
      return next ? [{ topic, events, next, passesGaps }] : []
    })
    const begun = new Set<string>()
    /** The account of a publisher may have lost an event amid the log of a topic, or its last ones. */
    const isBroken = ({ topic, next, passesGaps }: (typeof open)[number]) =>
      !passesGaps && !next.isNext && begun.has(topic)
    const events: StoredEvent[] = []
    let characters = 0
    while (open.length > 0 && events.length < limit.events && characters < limit.characters) {
      const first = open.reduce((least, log) => (log.next.place < least.next.place ? log : least))
      if (isBroken(first)) lost.add(first.topic)
      else {
        begun.add(first.topic)
        events.push(first.next.event)
        characters += first.next.event.data.length
      }
      const { value: next } = lost.has(first.topic) ? { value: undefined } : first.events.next()
      if (next) first.next = next
      else {
        if (!first.passesGaps && topics.get(first.topic)!.last > first.next.place) lost.add(first.topic)
        first.events.return(undefined)
        open.splice(open.indexOf(first), 1)
      }
    }
    for (const log of open) log.events.return(undefined)
    const kept = lost.size === 0 ? events : events.filter(({ topic }) => !lost.has(topic))
    return { events: kept, more: open.length > 0, head: formatEventId(epoch, last()), lost: [...lost] }
  }

  return { last, read, lookup }
}

/** The embedded store: one LMDB file in `dataDir`, created if missing. */
export const openLmdbStore = (options: LmdbStoreOptions): EventStore => {
  const { dataDir, retention, random, now = Date.now } = options
  const databases = openDatabases(dataDir, now)
  const { root, topics, logs, meta, names } = databases
  if (meta.get('epoch') === undefined) meta.putSync('epoch', random(4).toString('hex'))
  const epoch = meta.get('epoch')!
  const writer = createWriter(databases, retention, now)
  const { last, read, lookup } = createReader(databases, epoch)
  const wakeups = createWakeups()
  let state: 'open' | 'closed' = 'open'

  // Where a read meets a close in progress, lmdb 3.5 throws from a timer, which ends the process.
  const assertOpen = () => {
    if (state === 'closed') throw new Error('The event store is closed')
  }

  const idsFrom = (start: number, count: number) =>
    Array.from({ length: count }, (_, index) => formatEventId(epoch, start + index))

  /** @param from place of the first event; `null`: the next one */
  const commit = async (
    account: string,
    events: readonly NewEvent[],
    once: Once | undefined,
    from: number | null,
  ) => {
    assertOpen()
    if (events.length === 0) return []
    const named = new Set(events.map(({ topic }) => topic))
    // Places are given inside the transaction: two appends at once can't take the same one.
    const outcome = await root.transaction(() => {
      const known = once && names.find(account, once)
      if (known)
        return known.digest === once.digest ? { state: 'known' as const, ...known } : 'used-for-others'
      if (from !== null && last() >= from) return 'passed'
      if (!writer.admit(account, named)) return 'too-many-topics'
      const appended = { start: from ?? last() + 1, count: events.length }
      writer.put(account, events, appended.start)
      if (once) names.remember(account, once, appended)
      return { state: 'appended' as const, ...appended }
    })
    if (outcome === 'used-for-others') throw usedForOthers()
    if (outcome === 'too-many-topics') throw tooManyTopics()
    if (outcome === 'passed') return
    if (outcome.state === 'appended') for (const topic of named) wakeups.wake(topic)
    return idsFrom(outcome.start, outcome.count)
  }

  return {
    append: async (account, events, once) => (await commit(account, events, once, null))!,
    appendAs: async (account, events, once) =>
      commit(account, events, once, events.length === 0 ? null : parseEventId(events[0]!.id)!.position),

    async idsAhead(count, lead) {
      assertOpen()
      return idsFrom(last() + 1 + lead, count)
    },

    async read(asked, limit) {
      assertOpen()
      return read(asked, limit)
    },

    async lookup(asked, id) {
      assertOpen()
      return asked.map((topic) => lookup(topic, id))
    },

    async head() {
      assertOpen()
      return formatEventId(epoch, last())
    },

    async bounds(topic) {
      assertOpen()
      const count = topics.get(topic)?.count ?? 0
      for (const { value } of logs.getRange({ start: [topic, 0], end: [topic, maxKey], limit: 1 }))
        return { first: value.position, last: count }
      return { first: count + 1, last: count }
    },

    subscribe: wakeups.subscribe,

    async check() {
      assertOpen()
      await meta.put('checked', new Date(now()).toISOString())
    },

    async close() {
      if (state === 'closed') return
      state = 'closed'
      await root.close()
    },
  }
}
