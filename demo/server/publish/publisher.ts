import { createHash } from 'node:crypto'
import { createInTurn } from '../base/in-turn.ts'
import { refusal } from '../http/problem.ts'
import type { EventStore, NewEvent, Once } from '../store/event-store.ts'
import { deepest, isName, isTooDeep, longestName } from './event-rules.ts'
import type { EventSigning } from './event-signing.ts'

export interface PublishedEvent {
  type: string
  /** Any JSON. */
  data?: unknown
  /** Instead of `data`: as JSON text, no deeper than event-rules.ts has it. */
  json?: string
  /** Instead of `data`: goes on the wire as it is, JSON or not, and is never signed. */
  raw?: string
  /** Default: the user to whom it is published. */
  owner?: string
}

export interface PublisherOptions {
  store: EventStore
  signing: EventSigning
  /** Types that are signed. */
  critical: readonly string[]
}

/**
 * Signs what is critical, and appends, in order and all or none. Rejects with a `statusCode` of 400 what no log may hold
 * (event-rules.ts), and of 422 a name that was used for other events.
 *
 * @param name names these events, as for `EventStore.append`
 * @returns the ids, once the store has them on disk
 */
export type Publish = (user: string, events: readonly PublishedEvent[], name?: string) => Promise<string[]>

interface Prepared {
  event: PublishedEvent
  stored: NewEvent
}

/** Characters of an append that goes alone: the store's transactions run together, and large ones would stop the node. */
const large = 64 * 1024

const prepare = (user: string, event: PublishedEvent): Prepared => {
  const { type, data = null, owner = user } = event
  if (!isName(type) || !isName(owner))
    throw refusal(
      400,
      'name_invalid',
      `The type of an event, and its owner, are 1 to ${longestName} characters without CR, LF and NUL.`,
    )
  if (event.raw === undefined && event.json === undefined && isTooDeep(data))
    throw refusal(400, 'too_deep', `"data" is nested more than ${deepest} levels deep.`)
  return { event, stored: { type, owner, data: event.raw ?? event.json ?? JSON.stringify(data) } }
}

/** By what was given and not by what is stored: a signature is another each time. */
const digestOf = (prepared: readonly Prepared[]): string => {
  const hash = createHash('sha256')
  for (const { stored, event } of prepared)
    hash.update(JSON.stringify([stored.type, stored.owner, stored.data, event.raw !== undefined]))
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
    const data = JSON.parse(stored.data) as unknown
    return { ...stored, signed: true, data: await signing.sign({ user, id, type, data }) }
  }

  /** A signature takes the event's id, and time: whoever has appended meanwhile has taken that id. */
  const appendSigned = async (user: string, prepared: readonly Prepared[], once?: Once) => {
    for (;;) {
      const { end } = await store.bounds(user)
      const ids = store.idsAfter(end, prepared.length)
      const signed = prepared.map(async (event, index) => {
        const id = ids[index]!
        return { ...(await sign(user, event, id)), id }
      })
      const appended = await store.appendAfter(user, end, await Promise.all(signed), once)
      if (appended) return appended
    }
  }

  return async (user, events, name) => {
    if (!isName(user))
      throw refusal(400, 'user_invalid', `A user is 1 to ${longestName} characters without CR, LF and NUL.`)
    const prepared = events.map((event) => prepare(user, event))
    const once = name === undefined ? undefined : { name, digest: digestOf(prepared) }
    const append = () =>
      critical.length === 0
        ? store.append(
            user,
            prepared.map(({ stored }) => stored),
            once,
          )
        : // Or many publishers at once would make each other sign again and again.
          inTurn(user, () => appendSigned(user, prepared, once))
    return charactersOf(prepared) > large ? alone('', append) : append()
  }
}
