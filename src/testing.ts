import { countInvalid, invalidEvent } from './delivery/invalid-event.ts'
import { createListenerSet } from './delivery/listener-set.ts'
import { createListeners } from './delivery/listeners.ts'
import { createOpenIterators } from './delivery/open-iterators.ts'
import { type EventsOf, type SchemaMap, validating } from './delivery/schema.ts'
import { emptyInspection } from './empty-inspection.ts'
import { idleStatus } from './idle-status.ts'
import { StreamError } from './index.ts'
import { whenOpen } from './opened.ts'
import type { ResetReason } from './shared/events.ts'
import type { ErrorData, Status } from './shared/status.ts'
import type { EventMap, Stream, TypeOf } from './stream.ts'

export interface TestStreamOptions {
  /** As given to `connect()`: an invalid payload is `error{kind: 'validation'}`. Default: none. */
  schemas?: SchemaMap
  /** As given to `connect()`. Default `JSON.parse`. */
  parse?: (data: string, type: string) => unknown
}

/** A stream in memory, and what a server and a browser would do to it. */
export interface TestStream<Events> {
  /** What the code under test gets in place of `connect(...)`. It is `open`. */
  stream: Stream<Events>
  /**
   * The server sends an event: its listeners have run when this returns. What it resolves to is the
   * acknowledgement: consumers of `events()` have room for more. `id` counts up from 1 by default.
   */
  emit<Type extends TypeOf<Events>>(type: Type, payload: Events[Type], event?: { id?: string }): Promise<void>
  /** An error as `onError` hears it; a `state` in it becomes the stream's. Default: `network`, and it is `waiting`. */
  fail(error?: Partial<ErrorData>): StreamError
  /** Continuity is lost. Default `'server'`. */
  reset(reason?: ResetReason): void
  setStatus(change: Partial<Status>): void
  /** How often `reconnect()` was called. */
  reconnects(): number
}

/** A stream for tests of an application: no worker, no network, nothing asynchronous. */
export function createTestStream<Schemas extends SchemaMap>(
  options: TestStreamOptions & { schemas: Schemas },
): TestStream<EventsOf<Schemas>>
export function createTestStream<Events extends object = EventMap>(
  options?: TestStreamOptions,
): TestStream<Events>
// Over 80 lines: the list of a stream's methods, each in memory, over one status and one count of events.
export function createTestStream<Events extends object>(options: TestStreamOptions = {}): TestStream<Events> {
  const statuses = createListenerSet<[Status]>()
  const errors = createListenerSet<[StreamError]>()
  const resets = createListenerSet<[{ reason: ResetReason }]>()
  let events = 0
  let dropped = 0
  let reconnects = 0
  let status: Status = {
    ...idleStatus(Date.now()),
    state: 'open',
    role: 'leader',
    attempt: 1,
    durable: true,
    tabs: 1,
  }
  const isClosed = () => status.state === 'closed'

  const setStatus = (change: Partial<Status>) => {
    status = { ...status, ...('state' in change ? { since: Date.now() } : {}), ...change }
    statuses.emit(status)
  }
  const tellError = (error: Partial<ErrorData>, cause?: unknown) => {
    const data: ErrorData = {
      kind: 'network',
      message: 'The connection ended.',
      retryable: true,
      state: status.state,
      attempt: status.attempt,
      status: null,
      lastEventId: status.lastEventId,
      at: Date.now(),
      cause: null,
      topic: null,
      ...error,
    }
    const told = new StreamError(data, cause)
    errors.emit(told)
    return { data, told }
  }
  const listeners = createListeners(validating(options.parse, options.schemas), (type, cause) => {
    tellError(invalidEvent(type, status.state), cause)
  })
  const iterators = createOpenIterators(listeners.add)

  const close = () => {
    if (isClosed()) return
    iterators.close()
    setStatus({ state: 'closed' })
  }
  const stream = {
    get status() {
      return status
    },
    on: listeners.add,
    onReset: resets.on,
    onError: errors.on,
    onStatus: statuses.on,
    events: iterators.events,
    opened: ({ signal }: { signal?: AbortSignal } = {}) =>
      whenOpen(stream, signal, (data) => new StreamError(data)),
    metrics: async () =>
      countInvalid(
        {
          connectionsAttempted: 1,
          connectionsSuccessful: 1,
          reconnections: 0,
          eventsReceived: { total: events, byType: {} },
          duplicatesDropped: 0,
          unaskedDropped: 0,
          bytesReceived: 0,
          errors: { total: 0, byKind: {} },
          averageConnectionDuration: 0,
          averageReconnectionTime: 0,
          missedHeartbeats: 0,
          lastByteAt: null,
          longestSilence: 0,
          resets: 0,
          deliveryLatency: { p50: 0, p99: 0 },
          tabs: 1,
        },
        listeners.invalid(),
      ),
    inspect: async () => {
      const inspection = emptyInspection('test', status)
      const log = { ...inspection.log, epoch: 'test', first: dropped + 1, head: events, committed: events }
      return { ...inspection, incarnation: 'test', tab: 'test', log: { ...log, durable: true } }
    },
    openInspector: async () => (await import('./inspector/index.ts')).openInspector(stream),
    dropLog() {
      dropped = events
      resets.emit({ reason: 'dropped' })
    },
    reconnect() {
      reconnects++
      if (!isClosed()) setStatus({ state: 'open', error: null })
    },
    signOut: async () => close(),
    close,
  }

  return {
    stream: stream as unknown as Stream<Events>,
    async emit(type, payload, { id = String(events + 1) } = {}) {
      if (isClosed()) return
      events++
      status = { ...status, lastEventId: id }
      // The payload is text over the wire: what JSON does not carry must not arrive here either.
      listeners.dispatch({
        seq: events,
        id,
        hasOwnId: true,
        type,
        data: JSON.stringify(payload),
        at: Date.now(),
        topic: null,
      })
      await iterators.taken()
    },
    fail(error = {}) {
      const { data, told } = tellError({ state: 'waiting', ...error })
      setStatus({ state: data.state, error: data })
      return told
    },
    reset: (reason = 'server') => resets.emit({ reason }),
    setStatus,
    reconnects: () => reconnects,
  }
}
