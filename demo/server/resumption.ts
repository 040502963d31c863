import { parseEventId } from './event-id.ts'
import type { EventStore } from './store.ts'

export interface Resumption {
  /** `fresh`: nothing was asked for. `continue` and `reset` are what R4's header says. */
  state: 'fresh' | 'continue' | 'reset'
  /** The stream starts behind this position. */
  position: number
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
  const { first, last } = await store.bounds(user)
  // An empty header is what the HTML Standard 9.2.3 says for "no last event ID".
  if (!lastEventId) return { state: 'fresh', position: last }
  const id = parseEventId(lastEventId)
  const known =
    id !== undefined && id.epoch === store.epoch && id.position <= last && id.position >= first - 1
  return known ? { state: 'continue', position: id.position } : { state: 'reset', position: last }
}
