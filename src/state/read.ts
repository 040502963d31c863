import type { StreamEvent } from '../delivery/listeners.ts'
import type { LoggedEvent, Types } from '../shared/events.ts'
import { unpackEvents } from '../shared/packed-events.ts'
import type { Place, ReadRequest } from '../shared/protocol.ts'
import type { LogCore } from './log-core.ts'

/** What the log gave. */
export interface Past {
  /** Up to where `events` go. What lies behind it comes live. */
  upTo: Place
  events: LoggedEvent[]
  isWhole: boolean
}

/** @throws StreamError as `Core.call` */
export const readLog = async (
  core: LogCore,
  { name = null }: { readonly name?: string | null },
  types: Types,
  from: ReadRequest['from'],
): Promise<Past> => {
  const { cursor, events, isWhole } = await core.call('a read of the log', (hub) => {
    // The hub has what this tab has just begun to follow in the answer, or delivers it live.
    core.follow(hub)
    return hub.read({ topic: name, types, from })
  })
  return { upTo: cursor, events: unpackEvents(events), isWhole }
}

/** An event as listeners get it, which those that do not parse never do. */
export const receive = (
  core: LogCore,
  { type, id, data, at }: LoggedEvent,
  use: (payload: unknown, event: StreamEvent) => void,
) => core.payloads.of(type, data, (payload) => use(payload, { type, id, data, receivedAt: at }))
