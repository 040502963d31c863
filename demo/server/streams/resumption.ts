import type { EventStore, Lookup } from '../store/event-store.ts'

export interface Resumption {
  /** `fresh`: nothing was asked for. `continue` and `reset` are what R4's header says. */
  state: 'fresh' | 'continue' | 'reset'
  /** The stream starts behind this id. */
  id: string
  /** Why it is a reset. */
  reason: Exclude<Lookup, 'known'> | null
}

/**
 * Where a stream starts (R1, R4). After a reset it starts at the end of the log as it stands now: the client
 * is about to refetch its state, and that state includes everything up to here.
 */
export const resumeAfter = async (
  store: EventStore,
  user: string,
  lastEventId: string | undefined,
): Promise<Resumption> => {
  // An empty header is what the HTML Standard 9.2.3 says for "no last event ID".
  if (!lastEventId) return { state: 'fresh', id: (await store.bounds(user)).end, reason: null }
  const found = await store.lookup(user, lastEventId)
  if (found === 'known') return { state: 'continue', id: lastEventId, reason: null }
  return { state: 'reset', id: (await store.bounds(user)).end, reason: found }
}
