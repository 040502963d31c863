import { expose, type Remote, wrap } from 'comlink'
import { answerToken } from './attachment/answer-token.ts'
import { holdLock } from './attachment/hold-lock.ts'
import { type Host, openHost } from './attachment/host.ts'
import { type PauseReason, watchLifecycle } from './attachment/lifecycle.ts'
import { elsewhere, tabAt } from './attachment/other-workers.ts'
import { watchHub } from './attachment/watch-hub.ts'
import { createIntake } from './delivery/intake.ts'
import { createSignal } from './delivery/listener-set.ts'
import { createListeners, type Listener } from './delivery/listeners.ts'
import { createIterations } from './delivery/open-iterators.ts'
import { type EventsOf, type SchemaMap, validating } from './delivery/schema.ts'
import { inTasks } from './delivery/short-tasks.ts'
import { localError, StreamError } from './errors.ts'
import { idleStatus } from './idle-status.ts'
import { type ConnectOptions, toHubOptions } from './options.ts'
import type { ResetReason } from './shared/events.ts'
import type { InspectOptions } from './shared/inspection.ts'
import { keyOf, tabLock } from './shared/names.ts'
import { unpack } from './shared/packed-events.ts'
import { type Batch, type HubApi, PROTOCOL, type TabApi, type Welcome } from './shared/protocol.ts'
import type { ErrorData, Status } from './shared/status.ts'
import { withLimit } from './shared/with-limit.ts'
import type { EventMap, Stream } from './stream.ts'

/** Respawns of a hub within so many ms before it is given up (T2). */
const RESPAWNS = 5
const RESPAWN_WINDOW = 60_000
/**
 * ms for a SharedWorker to answer the first call, and how often it is connected to before it is given up.
 * WebKit loses the first connections to a worker that it starts just after another's death, not the later ones.
 */
const CONNECT_LIMIT = 2_000
const CONNECTS = 5

// Over 200 lines: the one file that wires the page's parts.

/** One page's hold on a hub. */
interface Attachment {
  host: Host
  hub: Remote<HubApi>
  /** Settles once the hub has answered: nothing is delivered before. */
  welcomed: Promise<unknown>
  release(): void
  /** From the welcome on. */
  watch: { close(): void } | null
}

/**
 * One stream of Server-Sent Events for all tabs that connect with the same URL and user.
 *
 * @param url of the stream, relative to the page
 * @throws TypeError an option is missing or wrong, the URL carries a credential (A1) or is plain http (A6),
 *   or the page is no secure context
 */
export function connect<Schemas extends SchemaMap>(
  url: string | URL,
  options: ConnectOptions & { schemas: Schemas },
): Stream<EventsOf<Schemas>>
export function connect<Events extends object = EventMap>(
  url: string | URL,
  options: ConnectOptions,
): Stream<Events>
export function connect<Events extends object>(url: string | URL, options: ConnectOptions): Stream<Events> {
  const hubOptions = toHubOptions(url, options, document.baseURI)
  if (navigator.locks === undefined)
    throw new TypeError('tabstream: the page must be https: (http: only on this machine itself).')
  const key = keyOf(hubOptions.url, hubOptions.user, hubOptions.verify)

  const statuses = createSignal<[Status]>()
  const errors = createSignal<[StreamError]>()
  const resets = createSignal<[{ reason: ResetReason }]>()
  const intake = createIntake()
  const since = Date.now()
  const paused = new Set<PauseReason>()
  let attachment: Attachment | null = null
  /** Which way to a hub (host.ts), and under which name. */
  let way = 0
  let suffix = ''
  /** When, in ms of `performance.now()`. */
  let respawns: number[] = []
  /** What the hub knows of this tab's listeners. */
  let followed = ''
  let closed = false
  /** Signed out, here or in another tab, or about to be. */
  let leaving: Promise<void> | null = null
  /** The listeners have had all that was taken. */
  let dispatching: Promise<void> | undefined
  /** This tab was frozen: what reaches it next may be from before a sign-out that it missed (A4). */
  let thawed = false
  let status = idleStatus(since)

  const setStatus = (next: Status) => {
    status = next
    statuses.emit(status)
  }
  const tellError = (data: ErrorData, cause?: unknown) => errors.emit(new StreamError(data, cause))
  /** Without a hub there is nobody else to say what became of the stream. */
  const stop = (error: ErrorData) => {
    detach()
    setStatus({ ...status, state: error.state, since: error.at, error })
    tellError(error)
  }
  const fail = (message: string) => {
    stop(localError('worker', message, 'failed'))
  }

  const parse = options.parse ?? ((data) => JSON.parse(data))
  const listeners = createListeners(validating(parse, options.schemas), (type, cause) => {
    const message = `The data of an event "${type}" does not parse or fit its schema: not delivered. See \`cause\`.`
    tellError(localError('validation', message, status.state, true), cause)
  })

  const deliver = async (from: Attachment, batch: Batch) => {
    await from.welcomed
    if (thawed) {
      const { attached } = await withLimit(from.hub.ping(), 'ping()')
      // To the hub, if there is one, this batch was not taken: it comes again.
      if (!attached) throw new Error('detached')
      thawed = false
    }
    // Of the hub before, whose last batch may be half-way.
    await dispatching
    if (attachment !== from || leaving !== null) return
    if (batch.reset !== null) resets.emit({ reason: batch.reset })
    const events = intake.take(batch)
    dispatching = inTasks(events, listeners.dispatch, () => closed || leaving !== null)
    await dispatching
    const newest = events.at(-1)
    if (newest !== undefined) status = { ...status, lastEventId: newest.id }
    await iterations.taken()
  }

  /** The hub is gone, or never came: another one takes its place, and this tab goes on from its cursor. */
  const respawn = (nameSuffix: string) => {
    detach()
    const now = performance.now()
    respawns = [...respawns.filter((at) => now - at < RESPAWN_WINDOW), now]
    if (respawns.length > RESPAWNS)
      return fail(
        `The worker died ${RESPAWNS} times within ${RESPAWN_WINDOW / 1_000} s; reconnect() tries again.`,
      )
    setStatus({ ...status, state: 'connecting', since: Date.now() })
    suffix = nameSuffix
    attach()
  }

  const follows = () => {
    const types = listeners.follow()
    followed = String(types)
    return types
  }

  const attach = (connects = 1) => {
    const tab = tabAt(suffix)
    // Before the worker is asked for, which takes as long: a page that has just loaded waits ms for its first lock.
    const { held, release } = holdLock(tabLock(tab))
    // With the protocol in it: a worker of the same name that an older version started is another worker.
    const host = openHost(way, `${key}:${PROTOCOL}${suffix}`, options.worker, () => {
      // Once it has answered it is loaded: what its script throws later is no reason to leave it.
      if (attachment !== mine || mine.watch !== null) return
      detach()
      way = host!.dedicated ? Number.POSITIVE_INFINITY : way + 1
      attach()
    })
    if (host === null) {
      release()
      return fail(
        "The worker's script could not be loaded or run: check its URL, and worker-src in the Content-Security-Policy.",
      )
    }
    const hub = wrap<HubApi>(host.endpoint)
    const hello = () => ({
      protocol: PROTOCOL,
      tab,
      options: hubOptions,
      cursor: intake.cursor(),
      lineage: intake.lineage(),
      from: options.from ?? ('now' as const),
      since,
      follow: follows(),
      visible: !document.hidden,
    })
    // The lock first: the hub queues for it, and would take one that nobody holds for a death (T1).
    // With a ping, whose answer tells a worker that is not there from one that is busy; not before it, which would
    // cost a round trip. Should an attach() arrive that was given up, its session ends by itself: nobody pings.
    let reached = host.dedicated
    const answered = held.then(async () => {
      const reaching = reached || withLimit(hub.ping(), 'ping()', CONNECT_LIMIT)
      const attached = withLimit(hub.attach(hello()) as Promise<Welcome>, 'attach()')
      attached.catch(() => {})
      await reaching
      reached = true
      return attached
    })
    const welcomed = answered.then(
      (welcome) => {
        if (attachment !== mine) return
        if (!welcome.ok) return stop(welcome.error)
        intake.welcome(welcome.cursor, welcome.lineage)
        const { incarnation, locks } = welcome
        // All tabs of a dead hub derive the same name from it, and so meet again without talking.
        mine.watch = watchHub(
          hub,
          incarnation,
          locks,
          () => leaving !== null,
          () => respawn(`#${incarnation}`),
        )
        setStatus(welcome.status)
        if (welcome.differing.length > 0)
          console.warn(
            `tabstream: another tab set other options: ${welcome.differing.join(', ')}. They hold.`,
          )
      },
      async () => {
        if (attachment !== mine) return
        if (!reached && connects < CONNECTS) {
          detach()
          return attach(connects + 1)
        }
        const next = (await elsewhere(suffix)) ?? `#${respawns.length}`
        if (attachment === mine) respawn(next)
      },
    )
    const mine: Attachment = { host, hub, welcomed, release, watch: null }
    attachment = mine
    const tabApi: TabApi = {
      deliver: (batch) => deliver(mine, unpack(batch)),
      status: (next) => void (attachment === mine && setStatus(next)),
      error(data) {
        if (attachment !== mine) return
        // For good (T4): a status that the hub might still send would hide it.
        if (data.kind === 'superseded') stop(data)
        else tellError(data)
      },
      accessToken: () => answerToken(options.auth?.getAccessToken),
      signOut() {
        if (attachment !== mine || leaving !== null) return
        leaving = Promise.resolve()
        mine.watch?.close()
        attachment = null
        close()
        // Once this call is answered, which a closed port would not do.
        setTimeout(() => {
          release()
          host.close()
        })
      },
    }
    expose(tabApi, host.endpoint)
  }

  /** The lock tells the hub; a message would arrive no sooner, and could evict a cached page. */
  const detach = () => {
    attachment?.watch?.close()
    attachment?.release()
    attachment?.host.close()
    attachment = null
  }

  const call = async <T>(what: string, run: (hub: Remote<HubApi>) => Promise<T>): Promise<T> => {
    try {
      if (attachment === null) throw new Error(`The stream is ${status.state}.`)
      const { hub, welcomed } = attachment
      return await withLimit(
        welcomed.then(() => run(hub)),
        what,
      )
    } catch (error) {
      throw new StreamError(localError('worker', (error as Error).message, status.state), error)
    }
  }
  /** For a call whose answer says nothing. */
  const tell = (run: (hub: Remote<HubApi>) => unknown) => {
    if (attachment === null) return
    const { hub, welcomed } = attachment
    void welcomed.then(() => run(hub))
  }

  // What holds once this task is over: one listener put in another's place must not miss what comes in between.
  const follow = () =>
    tell((hub) => {
      if (String(listeners.follow()) !== followed) hub.follow(follows())
    })
  const on = (type: string, listener: Listener) => {
    const remove = listeners.add(type, listener)
    follow()
    return () => {
      remove()
      follow()
    }
  }

  const iterations = createIterations(on)

  const lifecycle = watchLifecycle({
    onPause(reason) {
      // A frozen tab costs a shared hub one cursor; a hub of its own would be frozen with the lock in its hand.
      if (reason === 'frozen' && !attachment?.host.dedicated) {
        thawed = true
        return
      }
      paused.add(reason)
      detach()
    },
    onResume(reason) {
      const over = status.state === 'failed' || status.state === 'superseded'
      if (paused.delete(reason) && paused.size === 0 && !over) attach()
    },
    onVisible: (visible) => tell((hub) => hub.visible(visible)),
  })

  const close = () => {
    if (closed) return
    closed = true
    lifecycle.close()
    detach()
    iterations.close()
    setStatus({ ...status, state: 'closed', since: Date.now() })
  }

  const signOut = async () => {
    const leave = () => call('signOut()', (hub) => hub.signOut())
    const asked = attachment
    try {
      // Of the hub that has taken the place of one that died over it.
      const failure = await leave().catch((error) => {
        if (attachment === asked || attachment === null) throw error
        return leave()
      })
      if (failure !== null) throw new StreamError(failure)
    } finally {
      close()
    }
  }

  attach()

  const stream = {
    get status() {
      return status
    },
    on,
    onReset: resets.on,
    onError: errors.on,
    onStatus: statuses.on,
    events: iterations.events,
    metrics: () => call('metrics()', (hub) => hub.metrics()),
    inspect: (what?: InspectOptions) => call('inspect()', (hub) => hub.inspect(what)),
    openInspector: async () => (await import('./inspector/index.ts')).openInspector(stream),
    dropLog: () => tell((hub) => hub.dropLog()),
    reconnect() {
      if (closed) return
      if (attachment !== null) return tell((hub) => hub.reconnect())
      way = 0
      respawns = []
      if (paused.size === 0) attach()
    },
    signOut() {
      leaving ??= signOut()
      return leaving
    },
    close,
  }
  // The one place where the untyped inside meets the event map.
  return stream as unknown as Stream<Events>
}
