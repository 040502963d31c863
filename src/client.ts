import type { Remote } from 'comlink'
import { answerToken } from './attachment/answer-token.ts'
import { createAttachment } from './attachment/attachment.ts'
import { createClaim } from './claim.ts'
import type { ClaimOptions } from './claim-options.ts'
import type { ClaimHandler } from './claims/run.ts'
import type { Core, Source } from './core.ts'
import { createIntake } from './delivery/intake.ts'
import { countInvalid, invalidEvent } from './delivery/invalid-event.ts'
import { createListenerSet } from './delivery/listener-set.ts'
import { createListeners, type Listener, type ListenOptions, typesIn } from './delivery/listeners.ts'
import { createOpenIterators } from './delivery/open-iterators.ts'
import { createPayloads } from './delivery/payloads.ts'
import { type EventsOf, type SchemaMap, validating } from './delivery/schema.ts'
import { runInShortTasks } from './delivery/short-tasks.ts'
import { emptyInspection } from './empty-inspection.ts'
import { whyNoStream } from './environment.ts'
import { StreamError } from './errors.ts'
import { idleStatus } from './idle-status.ts'
import { createLogMethods } from './log-methods.ts'
import { createOnDemand } from './on-demand.ts'
import { whenOpen } from './opened.ts'
import { type ConnectOptions, plainFrom, toHubOptions } from './options.ts'
import { type Follow, followKey, type LoggedEvent, type ResetReason } from './shared/events.ts'
import type { InspectOptions } from './shared/inspection.ts'
import { localError } from './shared/local-error.ts'
import { keyOf } from './shared/names.ts'
import type { HubApi } from './shared/protocol.ts'
import type { ErrorData, Status } from './shared/status.ts'
import { Snapshot } from './snapshot.ts'
import type { EventMap, Stream, TopicMap } from './stream.ts'
import { checkTopicName } from './topic-name.ts'
import { createTopics } from './topics.ts'
import { createUnheardErrors } from './unheard-errors.ts'

/** What the application has made of its stream. */
interface Life {
  /** `leaving`: `signOut()` was called, and nothing is heard any more (A4). */
  is: 'live' | 'leaving' | 'closed'
  /** What `signOut()` gives; `null`: nobody has signed out. */
  signedOut: Promise<void> | null
}

/** ms for `signOut()`: the hub may die before it answers, and the next one is then asked as well. */
const SIGN_OUT_LIMIT = 20_000

const NO_FILE = 'A file that lies beside index.js does not load. Check that all of them are deployed.'

/**
 * One stream of Server-Sent Events for all tabs that connect with the same URL and user. Where the browser refuses
 * what a stream needs, the stream is there and `failed`, with what to check.
 *
 * @param url of the stream, relative to the page
 * @throws TypeError a mistake of the caller's: an option is missing, unknown or wrong, the URL carries a
 *   credential (A1) or is plain http (A6), or there is no page
 */
export function connect<Schemas extends SchemaMap>(
  url: string | URL,
  options: ConnectOptions & { schemas: Schemas },
): Stream<EventsOf<Schemas>, { [topic: string]: EventsOf<Schemas> }>
export function connect<Events extends object = EventMap, Topics extends object = TopicMap>(
  url: string | URL,
  options: ConnectOptions,
): Stream<Events, Topics>
// Over 80 lines: it wires the page's parts, and each callback is where two of them meet.
export function connect(url: string | URL, options: ConnectOptions): unknown {
  const refusal = whyNoStream()
  const page = document
  const hubOptions = toHubOptions(url, options, page.baseURI)
  const from = plainFrom(options.from)
  const key = refusal === null ? keyOf(hubOptions) : Promise.reject<string>(new Error(refusal))

  const statuses = createListenerSet<[Status]>()
  const errors = createListenerSet<[StreamError]>()
  const resets = createListenerSet<[{ reason: ResetReason }]>()
  const sayUnheard = createUnheardErrors()
  const intake = createIntake()
  const since = Date.now()
  const ended = new AbortController()
  let life: Life = { is: 'live', signedOut: null }
  let status = idleStatus(since)
  /** What the hub knows this tab to follow, and what of it is urgent. */
  let followed = ''
  /** Resolves once the listeners have heard the last batch. */
  let dispatching: Promise<void> | undefined
  /** The event that the listeners hear, or have heard last. */
  let dispatched: LoggedEvent | null = null

  const isOver = () => life.is !== 'live'
  const setStatus = (change: Partial<Status>) => {
    status = { ...status, ...change }
    statuses.emit(status)
  }
  const tellError = (data: ErrorData, cause?: unknown) => {
    if (errors.isEmpty()) sayUnheard(data)
    errors.emit(new StreamError(data, cause))
  }

  const payloads = createPayloads(validating(options.parse, options.schemas), (type, cause) =>
    tellError(invalidEvent(type, status.state), cause),
  )
  const listeners = createListeners(payloads)
  /** As `createOpenIterators` takes it: one delivery serves the iterators of the stream and of its topics. */
  const full = new Set<Promise<void>>()
  const wanted = () => {
    const follow: Follow = { types: listeners.follow(), topics: topics.follow() }
    const urgent = typesIn([listeners, ...topics.listeners()].flatMap((each) => each.urgent()))
    return { follow, urgent, key: followKey(follow) + JSON.stringify(urgent) }
  }
  /** What the hub is told now, and so knows. */
  const told = () => {
    const { key, ...what } = wanted()
    followed = key
    topics.told()
    return what
  }

  const attachment = createAttachment({
    key,
    worker: options.worker,
    hello: () => ({
      options: hubOptions,
      cursor: intake.cursor(),
      lineage: intake.lineage(),
      from,
      since,
      ...told(),
      visible: !page.hidden,
    }),
    accessToken: () => answerToken(options.auth),
    isLeaving: () => life.is === 'leaving',
    onWelcome({ cursor, lineage, status, differing }) {
      intake.welcome(cursor, lineage)
      setStatus(status)
      if (differing.length > 0)
        console.warn(`tabstream: another tab set other options, which are used: ${differing.join(', ')}.`)
    },
    async onBatch(batch, isCurrent) {
      // The listeners may still be hearing the last batch of the former hub.
      await dispatching
      if (!isCurrent() || isOver()) return
      if (batch.reset !== null) {
        resets.emit({ reason: batch.reset })
        topics.reset(batch.reset)
      }
      topics.tell(batch.topics ?? {})
      const events = intake.take(batch)
      dispatching = runInShortTasks(events, dispatch, isOver)
      await dispatching
      const newest = events.at(-1)
      if (newest !== undefined) status = { ...status, lastEventId: newest.id }
      await iterators.taken()
    },
    onStatus: setStatus,
    onError: tellError,
    onSignedOut: (done) => close(orThrow(done)),
  })

  const dispatch = (event: LoggedEvent) => {
    dispatched = event
    if (event.topic === null) listeners.dispatch(event)
    else topics.dispatch(event.topic, event)
  }
  const follow = (hub: Remote<HubApi>) => {
    const { follow, urgent } = told()
    return hub.follow(follow, urgent)
  }
  /** Tells the hub, after this task, which types are followed: a listener that replaces another misses nothing (E2). */
  const tellFollow = () =>
    attachment.tell((hub) => {
      if (wanted().key === followed) return topics.told()
      return follow(hub)
    })
  const on = (type: string, listener: Listener, options?: ListenOptions) => {
    const remove = listeners.add(type, listener, options)
    tellFollow()
    return () => {
      remove()
      tellFollow()
    }
  }
  const iterators = createOpenIterators(on, full)

  const call = async <T>(what: string, run: (hub: Remote<HubApi>) => Promise<T>, ms?: number) => {
    try {
      return await attachment.call(what, run, ms)
    } catch (error) {
      throw new StreamError(localError('worker', (error as Error).message, status.state), error)
    }
  }
  const toError = (data: ErrorData, cause?: unknown) => new StreamError(data, cause)
  const core: Core = {
    call,
    follow,
    payloads,
    intake,
    stream: () => stream,
    dispatched: () => dispatched,
    dispatching: () => dispatching,
    taken: iterators.taken,
    tell: tellError,
    toError,
    Snapshot,
    isOver,
  }
  const onDemand = <Code>(load: () => Promise<Code>) => {
    const loadOrSay = () =>
      load().catch((cause) => {
        throw new StreamError(localError('worker', NO_FILE, status.state, true), cause)
      })
    return createOnDemand(loadOrSay, tellError, isOver)
  }
  const methodsOf = createLogMethods(onDemand(async () => (await import('./state/index.ts')).createLog(core)))
  const claim = createClaim(
    onDemand(async () =>
      (await import('./claims/index.ts')).createClaims({
        call,
        key,
        withPayload: payloads.of,
        ended: ended.signal,
      }),
    ),
  )
  const topics = createTopics({
    payloads,
    onFollow: tellFollow,
    // What the log gets after this call is delivered with all that is followed by then.
    followed: () => call('ready()', follow),
    methodsOf,
    onRefused: tellError,
    claim,
    iterate: (on) => createOpenIterators(on, full),
    status: () => status,
    onStatus: statuses.on,
    toError,
  })
  const orThrow = async (signedOut: Promise<ErrorData | null>) => {
    const failure = await signedOut
    if (failure !== null) throw new StreamError(failure)
  }
  const close = (signedOut = life.signedOut) => {
    // The application may never look at this promise, which must not show as an unhandled rejection.
    signedOut?.catch(() => {})
    if (life.is === 'closed') return
    life = { is: 'closed', signedOut }
    ended.abort()
    attachment.close()
    iterators.close()
    topics.close()
    setStatus({ state: 'closed', since: Date.now() })
  }
  const leave = () =>
    orThrow(call('signOut()', (hub) => hub.signOut(), SIGN_OUT_LIMIT)).finally(() => close())

  const stream = {
    get status() {
      return status
    },
    ...methodsOf((): Source => stream, on),
    onReset: resets.on,
    onError: errors.on,
    onStatus: statuses.on,
    claim: (type: string, handler: ClaimHandler, options: ClaimOptions) =>
      claim(null, type, handler, options),
    events: iterators.events,
    opened: ({ signal }: { signal?: AbortSignal } = {}) => whenOpen(stream, signal, toError),
    topic(name: string, { signal }: { signal?: AbortSignal } = {}) {
      checkTopicName(name, hubOptions.topics)
      return topics.open(name, signal)
    },
    metrics: async () => countInvalid(await call('metrics()', (hub) => hub.metrics()), payloads.invalid()),
    async inspect(what?: InspectOptions) {
      try {
        return await call('inspect()', (hub) => hub.inspect(what))
      } catch (error) {
        // Without a hub there is nothing to inspect but the reason why.
        if (status.state !== 'failed' && status.state !== 'waiting') throw error
        return emptyInspection(await key.catch(() => ''), status)
      }
    },
    openInspector: async () => (await import('./inspector/index.ts')).openInspector(stream),
    dropLog: () => attachment.tell((hub) => hub.dropLog()),
    reconnect: attachment.reconnect,
    signOut() {
      if (life.is === 'live') life = { is: 'leaving', signedOut: leave() }
      ended.abort()
      return life.signedOut ?? leave()
    },
    close: () => close(),
  }
  // Only the signatures above know the application's events and topics.
  return stream
}
