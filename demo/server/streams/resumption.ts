import type { EventStore, Lookup } from '../store/event-store.ts'

export interface Resumption {
  /** `fresh`: nothing was asked for. `continue` and `reset` are what R4's header says. */
  state: 'fresh' | 'continue' | 'reset'
  /** The stream starts behind this id. */
  id: string
  /** Why it is a reset. */
  reason: Exclude<Lookup, 'known'> | null
  /** Topics that begin behind another id, since something between `id` and that one is not known. */
  begins: ReadonlyMap<string, string>
}

/**
 * Where a stream starts (R1, R4). After a reset it starts at the end of the order as it stands now: the client
 * is about to refetch its state, and that state includes everything up to here. The same holds of one topic that has lost
 * something, as long as the user's own topic has not.
 *
 * @param own the topic that the client has without asking: only a reset of all tells that something of it is missing
 */
export const resumeAfter = async (
  store: EventStore,
  own: string,
  asked: readonly string[],
  lastEventId: string | undefined,
): Promise<Resumption> => {
  const begins = new Map<string, string>()
  // An empty header is what the HTML Standard 9.2.3 says for "no last event ID".
  if (!lastEventId) return { state: 'fresh', id: await store.head(), reason: null, begins }
  const topics = asked.filter((topic) => topic !== own)
  const [found, ...others] = await store.lookup([own, ...topics], lastEventId)
  if (found !== 'known') return { state: 'reset', id: await store.head(), reason: found!, begins }
  if (others.some((lookup) => lookup !== 'known')) {
    const head = await store.head()
    for (const [index, topic] of topics.entries()) if (others[index] !== 'known') begins.set(topic, head)
  }
  return { state: 'continue', id: lastEventId, reason: null, begins }
}
