import type { ClaimOptions } from './claim-options.ts'
import type { ClaimHandler } from './claims/run.ts'
import type { Core, Source } from './core.ts'
import { countInvalid, invalidEvent } from './delivery/invalid-event.ts'
import { createListenerSet } from './delivery/listener-set.ts'
import { createListeners } from './delivery/listeners.ts'
import { createOpenIterators } from './delivery/open-iterators.ts'
import { createPayloads } from './delivery/payloads.ts'
import { type EventsOf, type SchemaMap, validating } from './delivery/schema.ts'
import { emptyInspection } from './empty-inspection.ts'
import { idleStatus } from './idle-status.ts'
import { Snapshot, StreamError } from './index.ts'
import { createLogMethods } from './log-methods.ts'
import { createOnDemand } from './on-demand.ts'
import { whenOpen } from './opened.ts'
import type { Control } from './shared/control.ts'
import type { LoggedEvent, ResetReason } from './shared/events.ts'
import type { ErrorData, Status } from './shared/status.ts'
import { createLog } from './state/index.ts'
import type { EventMap, Stream, TopicMap, TypeOf } from './stream.ts'
import { createTestClaims } from './testing-claims.ts'
import { createTestLog } from './testing-log.ts'
import { checkTopicName } from './topic-name.ts'
import { createTopics } from './topics.ts'

export interface TestStreamOptions {
  /** As given to `connect()`: an invalid payload is `error{kind: 'validation'}`. Default: none. */
  schemas?: SchemaMap
  /** As given to `connect()`. Default `JSON.parse`. */
  parse?: (data: string, type: string) => unknown
}

/** What a server would say of one topic. Nothing happens where the code under test holds no handle of it. */
export interface TestTopic {
  /** Whether the code under test holds a handle of it. */
  isJoined(): boolean
  /** The server has taken it. `confirmed`, default `true`: it said so. */
  live(confirmed?: boolean): void
  /** Default: `kind: 'topic'`, with status 403. */
  refuse(error?: Partial<ErrorData>): void
  /** Continuity of this topic is lost, if it is live. Default `'server'`. */
  reset(reason?: ResetReason): void
}

/** A stream in memory, and what a server and a browser would do to it. */
export interface TestStream<Events, Topics = TopicMap> {
  /** What the code under test gets in place of `connect(...)`. It is `open`, and has topics. */
  stream: Stream<Events, Topics>
  /**
   * The server sends an event: its listeners have run when this returns, and a claim's handler that is free was called. What it resolves to is the
   * acknowledgement: consumers of `events()` have room for more. `id` counts up from 1 by default. A `topic` that is
   * `joining` is live from its first event on.
   */
  emit<Name extends TypeOf<Topics>, Type extends TypeOf<Topics[Name]>>(
    type: Type,
    payload: Topics[Name][Type],
    event: { topic: Name; id?: string },
  ): Promise<void>
  emit<Type extends TypeOf<Events>>(type: Type, payload: Events[Type], event?: { id?: string }): Promise<void>
  /** An error as `onError` hears it; a `state` in it becomes the stream's. Default: `network`, and it is `waiting`. */
  fail(error?: Partial<ErrorData>): StreamError
  /** Continuity is lost. Default `'server'`. */
  reset(reason?: ResetReason): void
  setStatus(change: Partial<Status>): void
  /** How often `reconnect()` was called. */
  reconnects(): number
  /** A topic, which is `joining` at first. */
  topic(name: TypeOf<Topics>): TestTopic
}

/**
 * A stream for tests of an application: no worker, no network. Events are heard at once. `latest`, `history`, `seen`,
 * `share`, `state` and `from` give their answers in later microtasks, out of what was emitted.
 */
export function createTestStream<Schemas extends SchemaMap>(
  options: TestStreamOptions & { schemas: Schemas },
): TestStream<EventsOf<Schemas>, { [topic: string]: EventsOf<Schemas> }>
export function createTestStream<Events extends object = EventMap, Topics extends object = TopicMap>(
  options?: TestStreamOptions,
): TestStream<Events, Topics>
// Over 80 lines: the list of a stream's methods, each in memory, over one status and one count of events.
export function createTestStream(options: TestStreamOptions = {}): unknown {
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
    log.look()
  }
  const errorOf = (error: Partial<ErrorData>): ErrorData => ({
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
  })
  const tellError = (error: Partial<ErrorData>, cause?: unknown) => {
    const data = errorOf(error)
    const told = new StreamError(data, cause)
    errors.emit(told)
    return { data, told }
  }
  const payloads = createPayloads(validating(options.parse, options.schemas), (type, cause) => {
    tellError(invalidEvent(type, status.state), cause)
  })
  const listeners = createListeners(payloads)
  /** As `createOpenIterators` takes it. */
  const full = new Set<Promise<void>>()
  const iterators = createOpenIterators(listeners.add, full)
  const ended = new AbortController()
  const claims = createTestClaims({ withPayload: payloads.of, ended: ended.signal }, (topic, type, cause) => {
    const message = `An event of "${type}" was given up after the last run of its handler.`
    tellError({ kind: 'claim', message, cause, topic })
  })
  const toError = (data: ErrorData, cause?: unknown) => new StreamError(data, cause)
  /** What was last told of each topic. */
  const controls = new Map<string, Control>()
  const log = createTestLog(
    (topic) => status.state === 'open' && (topic === null || controls.get(topic)?.is === 'live'),
  )
  let dispatched: LoggedEvent | null = null
  const core: Core = {
    call: (_what, run) => run(log.hub),
    follow: () => {},
    payloads,
    stream: () => stream,
    intake: { cursor: log.cursor, lineage: () => null },
    dispatched: () => dispatched,
    dispatching: () => undefined,
    taken: iterators.taken,
    tell: (error, cause) => void tellError(error, cause),
    toError,
    Snapshot,
    isOver: isClosed,
  }
  const methodsOf = createLogMethods(createOnDemand(async () => createLog(core), core.tell, isClosed))
  const topics = createTopics({
    payloads,
    claim: claims.claim,
    onFollow: () => queueMicrotask(topics.told),
    followed: () => Promise.resolve(),
    methodsOf,
    onRefused: (error) => errors.emit(toError(error)),
    iterate: (on) => createOpenIterators(on, full),
    status: () => status,
    onStatus: statuses.on,
    toError,
  })

  const tellTopic = (name: string, control: Control = { is: 'live', confirmed: true }) => {
    if (control.is === 'refused') log.forget(name)
    controls.set(name, control)
    topics.tell({ [name]: control })
    log.look()
  }
  const reset = (reason: ResetReason = 'server') => {
    log.forget(null)
    resets.emit({ reason })
    topics.reset(reason)
  }
  const close = () => {
    if (isClosed()) return
    ended.abort()
    iterators.close()
    topics.close()
    log.clear()
    setStatus({ state: 'closed' })
  }
  const stream = {
    get status() {
      return status
    },
    ...methodsOf((): Source => stream, listeners.add),
    onReset: resets.on,
    onError: errors.on,
    onStatus: statuses.on,
    claim: (type: string, handler: ClaimHandler, options: ClaimOptions) =>
      claims.claim(null, type, handler, options),
    events: iterators.events,
    opened: ({ signal }: { signal?: AbortSignal } = {}) => whenOpen(stream, signal, toError),
    topic(name: string, { signal }: { signal?: AbortSignal } = {}) {
      checkTopicName(name, { separator: null })
      return topics.open(name, signal)
    },
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
        payloads.invalid(),
      ),
    inspect: async () => {
      const inspection = emptyInspection('test', status)
      const log = { ...inspection.log, epoch: 'test', first: dropped + 1, head: events, committed: events }
      return { ...inspection, incarnation: 'test', tab: 'test', log: { ...log, durable: true } }
    },
    openInspector: async () => (await import('./inspector/index.ts')).openInspector(stream),
    dropLog() {
      dropped = events
      reset('dropped')
    },
    reconnect() {
      reconnects++
      if (!isClosed()) setStatus({ state: 'open', error: null })
    },
    signOut: async () => close(),
    close,
  }

  return {
    stream,
    async emit(
      type: string,
      payload: unknown,
      { id = String(events + 1), topic = null }: { id?: string; topic?: string | null } = {},
    ) {
      if (isClosed()) return
      events++
      status = { ...status, lastEventId: id }
      // The payload is text over the wire: what JSON does not carry must not arrive here either.
      const data = JSON.stringify(payload)
      const event = { seq: events, id, hasOwnId: true, type, data, at: Date.now(), topic }
      if (topic !== null) tellTopic(topic, controls.get(topic))
      log.append(event)
      dispatched = event
      if (topic === null) listeners.dispatch(event)
      else topics.dispatch(topic, event)
      claims.dispatch(event)
      await iterators.taken()
    },
    fail(error: Partial<ErrorData> = {}) {
      const { data, told } = tellError({ state: 'waiting', ...error })
      setStatus({ state: data.state, error: data })
      return told
    },
    reset,
    setStatus,
    reconnects: () => reconnects,
    topic: (name: string): TestTopic => ({
      isJoined: () => Object.hasOwn(topics.follow(), name),
      live: (confirmed = true) => tellTopic(name, { is: 'live', confirmed }),
      refuse(error = {}) {
        const message = `The server refuses the topic "${name}".`
        const data = errorOf({ kind: 'topic', message, retryable: false, status: 403, topic: name, ...error })
        tellTopic(name, { is: 'refused', error: data })
      },
      reset(reason = 'server') {
        log.forget(name)
        topics.tell({ [name]: { is: 'reset', reason } })
      },
    }),
  }
}
