import type { Remote } from 'comlink'
import type { Intake } from './delivery/intake.ts'
import type { Listener, ListenOptions } from './delivery/listeners.ts'
import type { Payloads } from './delivery/payloads.ts'
import type { StreamError } from './errors.ts'
import type { LoggedEvent, ResetReason } from './shared/events.ts'
import type { HubApi } from './shared/protocol.ts'
import type { ErrorData, Status } from './shared/status.ts'
import type { Snapshot } from './snapshot.ts'
import type { Off } from './stream.ts'

/** What the files that are loaded on demand are handed of a stream. `createTestStream` has one in memory. */
export interface Core {
  /**
   * Calls the hub, as `Attachment.call` does.
   *
   * @param what names the call in errors
   * @param ms default 10,000
   * @throws StreamError `kind: 'worker'`
   */
  call<T>(what: string, run: (hub: Remote<HubApi>) => Promise<T>, ms?: number): Promise<T>
  /** Tells the hub what this tab follows: it knows by the next call. */
  follow(hub: Remote<HubApi>): unknown
  payloads: Pick<Payloads, 'of'>
  stream(): { readonly status: Status; onStatus(listener: (status: Status) => void): Off }
  /** Its cursor is beyond the event that is dispatched, if more of the batch follow. */
  intake: Pick<Intake, 'cursor' | 'lineage'>
  /** The event that is dispatched now, or was last; `null`: none. */
  dispatched(): LoggedEvent | null
  /** Resolves once the listeners have heard the batch that is dispatched now, or was last. */
  dispatching(): Promise<void> | undefined
  /** Resolves once the iterators of `events()` have room: the next batch waits for that. */
  taken(): Promise<unknown>
  /** Tells `onError`. */
  tell(error: ErrorData, cause?: unknown): void
  Snapshot: typeof Snapshot
  /** An error as the application hears it. */
  toError(data: ErrorData, cause?: unknown): StreamError
  /** Whether the stream is closed, or the user signs out: nothing is heard any more. */
  isOver(): boolean
}

/** A stream, or one handle of a topic, before it meets the application's types. */
export interface Source {
  /** Of the topic. A stream has none. */
  readonly name?: string
  readonly status: { state: string }
  on(type: string, listener: Listener, options?: ListenOptions): Off
  onReset(listener: (reset: { reason: ResetReason }) => void): Off
  onStatus(listener: () => void): Off
}
