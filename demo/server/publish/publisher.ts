import { createHash } from 'node:crypto'
import { createInTurn } from '../base/in-turn.ts'
import { refusal } from '../http/problem.ts'
import type { EventStore, NewEvent, Once } from '../store/event-store.ts'
import { isPublishableTopic, longestTopic, ownTopicOf } from '../store/topic-names.ts'
import { deepest, isName, isTooDeep, longestName, markerType } from './event-rules.ts'
import type { EventSigning } from './event-signing.ts'

export interface PublishedEvent {
  type: string
  /** Any JSON. */
  data?: unknown
  /** Instead of `data`: as JSON text, no deeper than event-rules.ts has it. */
  json?: string
  /** Instead of `data`: goes on the wire as it is, JSON or not, and is never signed. */
  raw?: string
  /** Default: the user who publishes. */
  owner?: string
  /** Default: the own topic of the user who publishes, which every stream of that user has. */
  topic?: string
}

export interface PublisherOptions {
  store: EventStore
  signing: EventSigning
  /** Types that are signed. */
  critical: readonly string[]
}

/**
 * Signs what is critical, and appends, in order and all or none, whatever the topics. Rejects with a `statusCode` of 400 what
 * no log may hold (event-rules.ts), of 422 a name that was used for other events, and of 429 too many topics.
 *
 * @param user who publishes: what is kept counts as this user's
 * @param name names these events, as for `EventStore.append`
 * @returns the ids, once the store has them on disk
 */
export type Publish = (user: string, events: readonly PublishedEvent[], name?: string) => Promise<string[]>

interface Prepared {
  event: PublishedEvent
  stored: NewEvent
}

/** Places of the order that one signature leaves to others at most. */
const mostLead = 100_000

/** Characters of an append that goes alone: the store's transactions run together, and large ones would stop the node. */
const large = 64 * 1024

const prepare = (user: string, event: PublishedEvent): Prepared => {
  const own = ownTopicOf(user)
  const { type, data = null, owner = user, topic = own } = event
  if (!isName(type) || !isName(owner))
    throw refusal(
      400,
      'name_invalid',
      `The type of an event, and its owner, are 1 to ${longestName} characters without CR, LF and NUL.`,
    )
  if (topic !== own && !isPublishableTopic(topic))
    throw refusal(
      400,
      'topic_invalid',
      `A topic is 1 to ${longestTopic} bytes without control, format and separator characters, and not "*".`,
    )
  // A stream tells by it what has become of topics (R7): an event of that type would be believed.
  if (type === markerType) throw refusal(400, 'type_reserved', `No event has the type ${markerType}.`)
  if (event.raw === undefined && event.json === undefined && isTooDeep(data))
    throw refusal(400, 'too_deep', `"data" is nested more than ${deepest} levels deep.`)
  return { event, stored: { topic, type, owner, data: event.raw ?? event.json ?? JSON.stringify(data) } }
}

/** By what was given and not by what is stored: a signature is another each time. */
const digestOf = (prepared: readonly Prepared[]): string => {
  const hash = createHash('sha256')
  for (const { stored, event } of prepared)
    hash.update(
      JSON.stringify([stored.topic, stored.type, stored.owner, stored.data, event.raw !== undefined]),
    )
  return hash.digest('base64url')
}

const charactersOf = (prepared: readonly Prepared[]) =>
  prepared.reduce((sum, { stored }) => sum + stored.data.length, 0)

/** The one way into the store. */
export const createPublisher = ({ store, signing, critical }: PublisherOptions): Publish => {
  const inTurn = createInTurn()
  const alone = createInTurn()

  /** Under the id that it is going to have. */
  const sign = async (user: string, { event, stored }: Prepared, id: string): Promise<NewEvent> => {
    const { type, raw } = event
    if (raw !== undefined || !critical.includes(type)) return stored
    const { topic } = stored
    const data = JSON.parse(stored.data) as unknown
    // What many users get is signed for none of them.
    const whose = topic === ownTopicOf(user) ? { user, topic } : { topic }
    return { ...stored, signed: true, data: await signing.sign({ ...whose, id, type, data }) }
  }

  /** A signature takes the event's id, and time. Others who append meanwhile have places left to them, ever more. */
  const appendSigned = async (user: string, prepared: readonly Prepared[], once?: Once) => {
    for (let lead = 0; ; lead = Math.max(1_000, Math.min(lead * 2, mostLead))) {
      const ids = await store.idsAhead(prepared.length, lead)
      const signed = prepared.map(async (event, index) => {
        const id = ids[index]!
        return { ...(await sign(user, event, id)), id }
      })
      const appended = await store.appendAs(user, await Promise.all(signed), once)
      if (appended) return appended
    }
  }

  return async (user, events, name) => {
    if (!isName(user))
      throw refusal(400, 'user_invalid', `A user is 1 to ${longestName} characters without CR, LF and NUL.`)
    const prepared = events.map((event) => prepare(user, event))
    const once = name === undefined ? undefined : { name, digest: digestOf(prepared) }
    const isSigned = prepared.some(({ event }) => event.raw === undefined && critical.includes(event.type))
    const append = () =>
      isSigned
        ? // Or many publishers at once would make each other sign again and again.
          inTurn(user, () => appendSigned(user, prepared, once))
        : store.append(
            user,
            prepared.map(({ stored }) => stored),
            once,
          )
    return charactersOf(prepared) > large ? alone('', append) : append()
  }
}
