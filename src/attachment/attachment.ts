import type { Remote } from 'comlink'
import { localError } from '../shared/local-error.ts'
import { unpack } from '../shared/packed-events.ts'
import type { Batch, HubApi, TabApi, TokenAnswer, Welcome } from '../shared/protocol.ts'
import type { ErrorData, Status } from '../shared/status.ts'
import { createAcknowledgements } from './acknowledgements.ts'
import { CALL_LIMIT, limitHubCall } from './call-limit.ts'
import { findSharedWorker, type Search } from './find-shared-worker.ts'
import { HOST_KINDS, type HostKind, type OnFailed, openHost } from './host.ts'
import { type PauseReason, watchLifecycle } from './lifecycle.ts'
import { type Link, type LinkOptions, openLink, workerName } from './link.ts'
import { findOtherGeneration, isNoHubThere } from './other-workers.ts'
import { retryAfter } from './retry.ts'
import { createTaker } from './taker.ts'
import { type Attention, type HubWatch, watchHub } from './watch-hub.ts'

/** If more hubs of this tab die within the window, the tab waits for as long before it tries again (T2). */
const RESPAWNS = 5
const RESPAWN_WINDOW = 60_000
/**
 * How often a tab connects to a SharedWorker that does not answer before it takes another one. WebKit loses the first
 * connections to a worker that it starts just after another one's death, and no later ones.
 */
const CONNECTS = 5
/** After so many connections, which take 4 s, a tab looks at whether any worker has called serve(). */
const CONNECTS_BEFORE_LOOK = 2

const NO_WORKER =
  'The browser starts no worker for this page. Check the Content-Security-Policy, Trusted Types, blocked cookies, the ' +
  'sandbox of an iframe, and the origin of the script.'
const NO_LOCKS =
  'The browser denies this page Web Locks. Check blocked cookies, and the sandbox of an iframe.'
const NO_SCRIPT =
  "The worker's script could not be loaded or run. Check its URL and its origin, and worker-src in the Content-Security-Policy."
const NO_HUB =
  'The worker does not answer. The file that `worker` starts must call serve() of "tabstream/worker", and throw nothing.'

export interface AttachmentOptions extends LinkOptions {
  /** The key of the stream (A3). Rejects where the page can have no stream, with what to do about it. */
  key: Promise<string>
  accessToken(): Promise<TokenAnswer>
  /** Whether this tab signs out (A4). Its session then ends before the answer, which is no death of the hub. */
  isLeaving(): boolean
  onWelcome(welcome: Extract<Welcome, { ok: true }>): void
  /**
   * @param isCurrent whether the hub that sent the batch is still this tab's hub
   * @returns resolves once the listeners have run: the acknowledgement
   */
  onBatch(batch: Batch, isCurrent: () => boolean): Promise<void>
  onStatus(change: Partial<Status>): void
  onError(error: ErrorData): void
  /** Another tab has signed out. @param done what the hub could not make sure of, once the sign-out is over */
  onSignedOut(done: Promise<ErrorData | null>): void
}

const attention = (): Attention => (document.hidden ? 'hidden' : 'in view')

/** How a page holds on to a hub: workers die and hang, and pages are frozen and cached. */
export interface Attachment {
  /**
   * Calls the present hub, once it has answered. If that hub dies before it answers the call, the next one is called.
   *
   * @param what names the call in errors
   * @throws Error there is no hub and none to come, nobody answers within `ms` (10 s), or what `run` rejects with
   */
  call<T>(what: string, run: (hub: Remote<HubApi>) => T, ms?: number): Promise<Awaited<T>>
  /** Calls the hub as `call` does, without waiting for the answer or reporting a failure. */
  tell(run: (hub: Remote<HubApi>) => unknown): void
  /** `reconnect()`: the hub reopens a stream that stands. Without a hub, the tab starts again with the best kind. */
  reconnect(): void
  close(): void
}

type State =
  /** The key is not known yet. */
  | { is: 'starting' }
  /** No hub is held: the page is in the back/forward cache, or frozen. */
  | { is: 'paused' }
  | { is: 'attaching'; link: Link }
  /** `search`: looks for a SharedWorker whose script did not load before, while this tab uses a worker of its own. */
  | { is: 'attached'; link: Link; watch: HubWatch; search: Search | null }
  /** No hub is held. The tab tries again when the timer fires, or when the user or the network is back. */
  | { is: 'waiting'; timer: ReturnType<typeof setTimeout> }
  /** The tab was refused or superseded, and tries nothing before `reconnect()`. */
  | { is: 'stopped' }
  /** Another tab has signed out: the link stands until its hub is done. */
  | { is: 'signed-out'; link: Link }
  | { is: 'closed' }

/** Over 80 lines, in a file over 250: one state and all that changes it, which two files would share. */
export const createAttachment = (options: AttachmentOptions): Attachment => {
  let state: State = { is: 'starting' }
  let key = ''
  let kinds: readonly HostKind[] = HOST_KINDS
  let workerGeneration = ''
  /** When hubs died, in ms of `performance.now()`. */
  let deaths: number[] = []
  /** How the worker's script has failed last; `null`: a worker has answered since, or none has failed. */
  let scriptFailure: { cause: string | null } | null = null
  /** How often in a row the tab has given up, since the script fails. */
  let failures = 0
  /** This tab was frozen. The next batch may have been sent before a sign-out that the tab has missed (A4). */
  let wasFrozen = false
  /** As the page has told last. */
  let isVisible = false
  const pauses = new Set<PauseReason>()
  const acknowledgements = createAcknowledgements()

  /** The link to this tab's hub; `null`: there is none. */
  const current = () => (state.is === 'attaching' || state.is === 'attached' ? state.link : null)
  /** The watch over the hub that this tab is attached to, if there is one. */
  const watch = () => (state.is === 'attached' ? state.watch : undefined)
  /** Whether the hub at the other end of a link, which has just spoken, is still this tab's hub. */
  const hear = (link: Link): boolean => {
    if (current() !== link) return false
    watch()?.heard()
    return true
  }

  /** Enters a state, and lets go of what only the state before held. */
  const enter = (next: State) => {
    const before = state
    state = next
    if (before.is === 'waiting') clearTimeout(before.timer)
    if (before.is === 'attached') {
      before.watch.close()
      before.search?.close()
    }
    if ('link' in before && !('link' in next && next.link === before.link)) before.link.close()
  }
  /** Tells what became of the stream: without a hub, nobody else does. */
  const tell = (error: ErrorData, nextAttemptAt: number | null) => {
    options.onStatus({ state: error.state, since: error.at, nextAttemptAt, error })
    options.onError(error)
  }
  const stop = (error: ErrorData) => {
    enter({ is: 'stopped' })
    tell(error, null)
  }
  const refuse = (message: string, cause: unknown) =>
    stop(localError('worker', message, 'failed', false, cause == null ? null : String(cause)))
  const retry = (message: string, shown: 'waiting' | 'failed', ms: number, cause: string | null = null) => {
    enter({ is: 'waiting', timer: setTimeout(begin, ms) })
    const error = localError('worker', message, shown, true, cause)
    tell(error, error.at + ms)
  }

  /** Starts again, with the best kind of host. */
  const begin = (isTold = true) => {
    kinds = HOST_KINDS
    deaths = []
    if (pauses.size === 0) attach(isTold)
    else enter({ is: 'paused' })
  }
  /** @param isTold whether the status shows a new attempt */
  const attach = (isTold = false, connects = 1) => {
    try {
      const link = openLink(options, kinds, key, workerGeneration, tabApi, onFailed)
      enter({ is: 'attaching', link })
      link.welcome.then(
        (welcome) => onWelcome(link, welcome),
        (error) => onSilence(link, connects, error),
      )
    } catch (error) {
      if (kinds === HOST_KINDS) refuse(NO_WORKER, (error as Error).cause)
      // A script that fails may load later. One that loads, and says nothing, has to be changed.
      else if (scriptFailure) retry(NO_SCRIPT, 'waiting', retryAfter(failures++), scriptFailure.cause)
      else retry(NO_HUB, 'failed', RESPAWN_WINDOW)
      return
    }
    if (isTold) options.onStatus({ state: 'connecting', since: Date.now(), nextAttemptAt: null })
  }
  const onFailed = (link: Link, cause: string | null): boolean => {
    // A worker that has answered is loaded. What its script throws later is no reason to leave it.
    if (state.is !== 'attaching' || state.link !== link) return false
    const { others, refusal } = link.host
    scriptFailure = { cause }
    kinds = others
    // Firefox refuses a SharedWorker by an exception, and then a dedicated Worker by an event: no script is missing.
    if (others.length === 0 && refusal !== undefined) refuse(NO_WORKER, refusal)
    else attach()
    return true
  }

  /** The hub is gone, or never came. The tab attaches to another one, and goes on from its cursor. */
  const respawn = (generation: string) => {
    const now = performance.now()
    deaths = [...deaths.filter((at) => now - at < RESPAWN_WINDOW), now]
    workerGeneration = generation
    if (deaths.length <= RESPAWNS) attach(true)
    else
      retry(
        `The worker died ${RESPAWNS} times within ${RESPAWN_WINDOW / 1_000} s; reconnect() tries again.`,
        'failed',
        RESPAWN_WINDOW,
      )
  }
  const onWelcome = (link: Link, welcome: Welcome) => {
    if (current() !== link) return
    if (!welcome.ok) return stop(welcome.error)
    scriptFailure = null
    failures = 0
    const { incarnation, locks } = welcome
    // All tabs of a dead hub derive the same generation from its incarnation, and so meet again without talking.
    const onGone = () => respawn(`#${incarnation}`)
    const openShared = (shared: readonly HostKind[], onFailed: OnFailed) =>
      openHost(shared, workerName(key, workerGeneration), options.worker, onFailed)
    const watch = watchHub(link.hub, incarnation, locks, options.isLeaving, onGone)
    watch.attend(attention())
    enter({
      is: 'attached',
      link,
      watch,
      search:
        link.host.dedicated && kinds !== HOST_KINDS ? findSharedWorker(openShared, () => begin(false)) : null,
    })
    options.onWelcome(welcome)
  }
  const onSilence = async (link: Link, connects: number, error: unknown) => {
    if (current() !== link) return
    const { dedicated } = link.host
    if (!link.isReached()) {
      if (!dedicated && !scriptFailure && connects < CONNECTS_BEFORE_LOOK) return attach(false, connects + 1)
      const isNobodyThere = await isNoHubThere()
      if (current() !== link) return
      if (isNobodyThere) {
        // Firefox may lose a connection to a SharedWorker whose script fails, and tells of a failure once in all tabs.
        // A worker of the tab's own tells whether the script is missing, or is there and never calls serve().
        kinds = dedicated ? [] : ['dedicated']
        return attach()
      }
      if (!dedicated && connects < CONNECTS) return attach(false, connects + 1)
    } else if (!link.isLocked()) return refuse(NO_LOCKS, error)
    const other = await findOtherGeneration(workerGeneration)
    if (current() === link) respawn(other ?? `#${deaths.length}`)
  }

  /** What the hub at the other end of a link may call. */
  const tabApi = (link: Link): TabApi => ({
    deliver: createTaker(async (batch) => {
      // Nothing is delivered before the welcome has said where this tab begins.
      await link.welcome.catch(() => {})
      hear(link)
      if (wasFrozen) {
        const { attached } = await limitHubCall(link.hub.ping(), 'ping()')
        // After this error the hub, if it still has a session for this tab, sends the batch again.
        if (!attached) throw new Error('detached')
        wasFrozen = false
      }
      await options.onBatch(unpack(batch), () => current() === link)
    }, acknowledgements),
    status(next) {
      if (hear(link)) options.onStatus(next)
    },
    error(error) {
      if (!hear(link)) return
      // `superseded` is for good (T4), and a later status of this hub must not hide it.
      if (error.kind === 'superseded') return stop(error)
      options.onError(error)
      // The hub may have ended this tab's session after a fault of its own (T2).
      if (error.kind === 'worker') watch()?.look()
    },
    accessToken: options.accessToken,
    signOut() {
      if (current() !== link || options.isLeaving()) return
      enter({ is: 'signed-out', link })
      const done = limitHubCall(
        link.call((hub) => hub.signedOut()),
        'signOut()',
      )
      const close = () => enter({ is: 'closed' })
      done.then(close, close)
      options.onSignedOut(done)
    },
  })

  const ask = async <T>(run: (hub: Remote<HubApi>) => T): Promise<Awaited<T>> => {
    await started
    const link = current()
    if (link === null) throw new Error('This tab has no worker.')
    // T2: nobody else may look at a hub whose tabs are all hidden.
    watch()?.look()
    try {
      return await link.call(run)
    } catch (error) {
      if (current() === link) throw error
      return ask(run)
    }
  }
  const askQuietly = (run: (hub: Remote<HubApi>) => unknown) => {
    ask(run).catch(() => {})
  }
  /** The user or the network is back: a tab that waits for a worker tries now. */
  const hasten = () => {
    if (state.is === 'waiting') begin()
    else if (state.is === 'attached') state.search?.now()
  }

  const lifecycle = watchLifecycle({
    onPause(reason) {
      // A frozen tab costs a shared hub one cursor. A hub in a dedicated worker would freeze while it holds the lock.
      if (reason === 'frozen' && !current()?.host.dedicated) {
        wasFrozen = true
        watch()?.attend('frozen')
        return
      }
      pauses.add(reason)
      if (current() !== null) enter({ is: 'paused' })
    },
    onResume(reason) {
      watch()?.attend(attention())
      if (pauses.delete(reason) && pauses.size === 0 && state.is === 'paused') attach()
    },
    onVisible(now) {
      isVisible = now
      if (!now) acknowledgements.flush()
      watch()?.attend(attention())
      // T2: this looks at the hub as well. Calls that wait for the next hub may change their order. Each says what is
      // true by then.
      askQuietly((hub) => hub.visible(isVisible))
      if (now) hasten()
    },
    onOnline: hasten,
  })

  const started = options.key.then(
    (known) => {
      key = known
      if (state.is === 'starting') begin(false)
    },
    (error) => {
      if (state.is === 'starting') refuse((error as Error).message, null)
    },
  )

  return {
    call: (what, run, ms = CALL_LIMIT) => limitHubCall(ask(run), what, ms),
    tell: askQuietly,
    reconnect() {
      if (current() !== null) askQuietly((hub) => hub.reconnect())
      else if (state.is === 'stopped' || state.is === 'waiting') begin()
    },
    close() {
      lifecycle.close()
      if (state.is !== 'signed-out') enter({ is: 'closed' })
    },
  }
}
