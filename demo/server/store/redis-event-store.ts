import { type EventId, formatEventId, parseEventId } from './event-id.ts'
import {
  dayOfTopics,
  type EventStore,
  type Lookup,
  mostTopics,
  type NewEvent,
  type Once,
  onceFor,
  type Retention,
  type StoredEvent,
  tooManyTopics,
  usedForOthers,
} from './event-store.ts'
import type { RedisConnection } from './redis-connection.ts'
import { appendScript, boundsScript, headScript, lookupScript, readScript } from './redis-scripts.ts'
import { createWakeups } from './wakeups.ts'

export interface RedisStoreOptions {
  redis: RedisConnection
  /** Whose events share one order. It names the slot of a cluster that all of them are in. */
  space: string
  /** Of a topic a hundred events more at most: Redis trims whole blocks. */
  retention: Retention
  random: (bytes: number) => Buffer
  /** Milliseconds since 1970. */
  now: () => number
  onError: (error: unknown) => void
}

/** Milliseconds by which ids with a lead are ahead of the clock: others are appended until they are used. */
const leadOfStamp = 5_000

const placeAndStamp = ({ position, stamp }: EventId) => [position, Number.parseInt(stamp!, 36)] as const

const idOf = (epoch: string, entry: string) => {
  const [place, stamp] = entry.split('-').map(Number)
  return formatEventId(epoch, place!, stamp!.toString(36))
}

const toEvent = (topic: string, entry: string, fields: string[]): StoredEvent => {
  const [, epoch, , type, , data, , owner, , signed, , , , position] = fields
  return {
    topic,
    position: Number(position),
    id: idOf(epoch!, entry),
    at: Number(entry.split('-')[1]),
    type: type!,
    data: data!,
    owner: owner!,
    ...(signed === '1' ? { signed: true } : {}),
  }
}

/** An id of this engine, or undefined. */
const parseOwnId = (id: string): EventId | undefined => {
  const parsed = parseEventId(id)
  return parsed?.stamp === undefined ? undefined : parsed
}

const bounded = (number: number) => Math.min(number, Number.MAX_SAFE_INTEGER)

/** Who listens to which topics, by Redis's Pub/Sub. */
const createRedisWakeups = (
  { subscriber, onRestored }: RedisConnection,
  channelOf: (topic: string) => string,
  onError: (error: unknown) => void,
) => {
  /** Of the channels that are listened to. */
  const topicOf = new Map<string, string>()

  const listener = (_: string, channel: string) => {
    const topic = topicOf.get(channel)
    if (topic !== undefined) wakeups.wake(topic)
  }

  const wakeups = createWakeups({
    onFirst(topic) {
      const channel = channelOf(topic)
      topicOf.set(channel, topic)
      subscriber.subscribe(channel, listener).then(
        // What was appended since the stream has looked: nobody was listening then.
        () => wakeups.wake(topic),
        onError,
      )
    },
    onLast(topic) {
      const channel = channelOf(topic)
      topicOf.delete(channel)
      subscriber.unsubscribe(channel).catch(onError)
    },
  })
  return { subscribe: wakeups.subscribe, close: onRestored(wakeups.wakeAll) }
}

/**
 * The store that nodes share. Pub/Sub only wakes: what a message would have told is in the log, and is read when
 * the next one comes, when the connection is back, or at the next sign of life of the HTTP stream, whichever is first.
 */
export const createRedisStore = (options: RedisStoreOptions): EventStore => {
  const { redis, space, retention, random, now, onError } = options
  const scripts = {
    append: redis.script(appendScript),
    read: redis.script(readScript),
    lookup: redis.script(lookupScript),
    head: redis.script(headScript),
    bounds: redis.script(boundsScript),
  }
  const key = (name: string) => redis.key(space, name)
  const logOf = (topic: string) => key(`t:${topic}`)
  const channelOf = (topic: string) => key(`wake:${topic}`)
  const order = key('order')
  const topics = key('topics')
  const counts = key('counts')
  const newEpoch = () => random(4).toString('hex')
  const wakeups = createRedisWakeups(redis, channelOf, onError)

  const head = async () => {
    const [epoch, entry] = (await scripts.head([order, topics], [newEpoch()])) as [string, string]
    return idOf(epoch, entry)
  }

  /** Ids of an append; all events of one share their stamp. */
  const write = async (
    account: string,
    events: readonly NewEvent[],
    once: Once | undefined,
    firstId?: string,
  ): Promise<string[] | undefined> => {
    const named = [...new Set(events.map(({ topic }) => topic))]
    const numbers = new Map(named.map((topic, index) => [topic, index + 1]))
    const [place, stamp] = firstId === undefined ? ['', ''] : placeAndStamp(parseEventId(firstId)!)
    const appended = scripts.append(
      [
        order,
        topics,
        counts,
        key(`of:${account}`),
        key(`day:${account}`),
        key(`once:${account}:${once?.name ?? ''}`),
        ...named.map(logOf),
      ],
      [
        newEpoch(),
        bounded(retention.events),
        once === undefined ? 0 : onceFor,
        once?.digest ?? '',
        bounded(retention.bytesPerAccount),
        bounded(retention.eventsPerAccount),
        bounded(retention.topicsPerAccount),
        dayOfTopics,
        mostTopics,
        logOf(''),
        stamp,
        place,
        named.length,
        ...named.flatMap((topic) => [topic, channelOf(topic)]),
        ...events.flatMap(({ topic, type, data, owner, signed }) => [
          numbers.get(topic)!,
          type,
          data,
          owner,
          signed ? '1' : '0',
        ]),
      ],
    )
    const answer = (await redis.keep(order, appended)) as string | null
    if (answer === null) return
    if (answer === 'used-for-others') throw usedForOthers()
    if (answer === 'too-many-topics') throw tooManyTopics()
    const [epoch, start, at] = answer.split('-')
    return events.map((_, index) => formatEventId(epoch!, Number(start) + index, Number(at).toString(36)))
  }

  return {
    append: async (account, events, once) =>
      events.length === 0 ? [] : (await write(account, events, once))!,
    appendAs: async (account, events, once) =>
      events.length === 0 ? [] : write(account, events, once, events[0]!.id),

    async idsAhead(count, lead) {
      const { epoch, position, stamp } = parseEventId(await head())!
      const at = Math.max(now() + (lead > 0 ? leadOfStamp : 0), Number.parseInt(stamp!, 36))
      return Array.from({ length: count }, (_, index) =>
        formatEventId(epoch, position + 1 + lead + index, at.toString(36)),
      )
    },

    async read(asked, limit) {
      const args = asked.flatMap(({ topic, after, passesGaps }) => {
        if (after === null) return [topic, '', '', '']
        // An epoch that there is not: its place is none.
        const place = parseOwnId(after)
        return place ? [topic, passesGaps ? '*' : place.epoch, ...placeAndStamp(place)] : [topic, '', 0, 0]
      })
      const keys = [order, topics, ...asked.map(({ topic }) => logOf(topic))]
      const answer = await scripts.read(keys, [limit.events, limit.characters, ...args])
      const [epoch, end, more, lost, events] = answer as [
        string,
        string,
        number,
        number[],
        [number, string, string[]][],
      ]
      const nameOf = (number: number) => asked[number - 1]!.topic
      return {
        events: events.map(([number, entry, fields]) => toEvent(nameOf(number), entry, fields)),
        more: more === 1,
        head: epoch === '' ? await head() : idOf(epoch, end),
        lost: lost.map(nameOf),
      }
    },

    async lookup(asked, id) {
      const place = parseOwnId(id)
      if (!place) return asked.map(() => 'unknown')
      const keys = [order, topics, ...asked.map(logOf)]
      return (await scripts.lookup(keys, [place.epoch, ...placeAndStamp(place), ...asked])) as Lookup[]
    },

    head,

    async bounds(topic) {
      const [first, count] = (await scripts.bounds([order, topics, counts, logOf(topic)], [topic])) as [
        string,
        string,
      ]
      const last = Number(count)
      return { first: first === '' ? last + 1 : Number(first), last }
    },

    subscribe: wakeups.subscribe,

    async check() {
      await redis.attempt(redis.commands.set(redis.name('checked'), new Date(now()).toISOString()))
    },

    async close() {
      wakeups.close()
    },
  }
}
