import type { Database } from 'lmdb'
import { dayOfTopics, mostTopics, type NewEvent, type Retention, sizeOf } from './event-store.ts'
import { type Databases, maxKey } from './lmdb-databases.ts'

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
    /** A transaction that was given up has left its changes. */
    begin: () => changed.clear(),
  }
}

/** What an append does within its transaction. */
export const createWriter = (databases: Databases, retention: Retention, now: () => number) => {
  // Over 80 lines: what is put, and what goes for it, are accounted for in the same records.
  const { logs, quiet, spent, today, days, places } = databases
  const topics = createRecords(databases.topics, { last: 0, count: 0, kept: 0 })
  const accounts = createRecords(databases.accounts, { bytes: 0, events: 0 })

  const remove = (topic: string, place: number) => {
    logs.remove([topic, place])
    const { last, count, kept } = topics.get(topic)
    topics.set(topic, { last, count, kept: kept - 1 })
  }

  /** Once for each append. */
  const noteQuiet = (topic: string) => {
    const former = databases.topics.get(topic)?.last ?? 0
    if (former > 0) quiet.remove(former)
    else places.put('topics', (places.get('topics') ?? 0) + 1)
    quiet.put(topics.get(topic).last, topic)
  }

  const trimTopic = (topic: string) => {
    const over = topics.get(topic).kept - retention.events
    if (over <= 0) return
    const oldest = logs.getKeys({ start: [topic, 0], end: [topic, maxKey], limit: over })
    for (const [, place] of [...oldest]) remove(topic, place)
  }

  const isOver = (account: string): boolean => {
    const { bytes, events } = accounts.get(account)
    return events > 1 && (bytes > retention.bytesPerAccount || events > retention.eventsPerAccount)
  }

  /** What a topic has trimmed of an account's events counts on: it is among the oldest of these, and goes with them. */
  const trimAccount = (account: string) => {
    while (isOver(account)) {
      const [oldest] = [...spent.getRange({ start: [account, 0], end: [account, maxKey], limit: 1 })]
      const { key, value: append } = oldest!
      let gone = 0
      for (; gone < append.length && isOver(account); gone++) {
        const [topic, size] = append[gone]!
        const place = key[1] + gone
        if (logs.doesExist([topic, place])) remove(topic, place)
        const { bytes, events } = accounts.get(account)
        accounts.set(account, { bytes: bytes - size, events: events - 1 })
      }
      spent.remove(key)
      if (gone < append.length) spent.put([account, key[1] + gone], append.slice(gone))
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
      topics.begin()
      accounts.begin()
      events.forEach((event, index) => {
        const { topic, ...rest } = event
        const place = start + index
        const { last, count, kept } = topics.get(topic)
        logs.put([topic, place], { ...rest, at, position: count + 1, former: last })
        topics.set(topic, { last: place, count: count + 1, kept: kept + 1 })
      })
      const append = events.map((event): [string, number] => [event.topic, sizeOf(event)])
      const { bytes, events: before } = accounts.get(account)
      const size = append.reduce((sum, [, size]) => sum + size, 0)
      accounts.set(account, { bytes: bytes + size, events: before + events.length })
      spent.put([account, start], append)
      places.put('last', start + events.length - 1)
      for (const topic of [...topics.changed()]) {
        noteQuiet(topic)
        trimTopic(topic)
      }
      trimAccount(account)
      topics.flush()
      forgetQuietTopics()
      accounts.flush()
    },
  }
}
