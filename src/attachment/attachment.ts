import type { Remote } from 'comlink'
import { localError } from '../shared/local-error.ts'
import { unpack } from '../shared/packed-events.ts'
import type { Batch, HubApi, TabApi, TokenAnswer, Welcome } from '../shared/protocol.ts'
import type { ErrorData, Status } from '../shared/status.ts'
import { CALL_LIMIT, limitHubCall } from './call-limit.ts'
import { type PauseReason, watchLifecycle } from './lifecycle.ts'
import { type Link, type LinkOptions, openLink } from './link.ts'
import { findOtherGeneration } from './other-workers.ts'
import { type HubWatch, watchHub } from './watch-hub.ts'

/** So many hubs of this tab may die within so many ms before it gives up (T2). */
const RESPAWNS = 5
const RESPAWN_WINDOW = 60_000
/**
 * How often a SharedWorker that does not answer is connected to before another one takes its place. WebKit loses the
 * first connections to a worker that it starts just after another's death, not the later ones.
 */
const CONNECTS = 5

const NO_SCRIPT =
  "The worker's script could not be loaded or run: check its URL, and worker-src in the Content-Security-Policy."

export interface AttachmentOptions extends LinkOptions {
  accessToken(): Promise<TokenAnswer>
  /** This tab signs out, which ends its session before it is answered (A4): that is no death of the hub. */
  isLeaving(): boolean
  onWelcome(welcome: Extract<Welcome, { ok: true }>): void
  /**
   * @param isCurrent whether the hub that sent the batch is still this tab's hub
   * @returns resolves once the listeners have run: the acknowledgement
   */
  onBatch(batch: Batch, isCurrent: () => boolean): Promise<void>
  onStatus(change: Partial<Status>): void
  onError(error: ErrorData): void
  /** Another tab has signed out. */
  onSignedOut(): void
}

/** How a page holds on to a hub, whatever becomes of the worker that runs it, or of the page. */
export interface Attachment {
  /**
   * Calls the hub of the moment, once it has answered; the next one, should it die over the call.
   *
   * @param what names the call in errors
   * @throws Error there is no hub and none to come, nobody answers within `ms` (10 s), or what `run` rejects with
   */
  call<T>(what: string, run: (hub: Remote<HubApi>) => T, ms?: number): Promise<Awaited<T>>
  /** As `call`, where no answer matters. */
  tell(run: (hub: Remote<HubApi>) => unknown): void
  /** The application asks for it: a stream that stands is reopened, one that has failed begins afresh. */
  reconnect(): void
  close(): void
}

type State =
  /** No hub is held: the page is in the back/forward cache, or frozen. */
  | { is: 'paused' }
  | { is: 'attaching'; link: Link }
  | { is: 'attached'; link: Link; watch: HubWatch }
  /** Failed or superseded: nothing is tried before `reconnect()`. */
  | { is: 'stopped' }
  /** Another tab has signed out: the link stands until its hub has been answered. */
  | { is: 'signed-out'; link: Link }
  | { is: 'closed' }

/** Over 80 lines: one state, and all that changes it. */
export const createAttachment = (options: AttachmentOptions): Attachment => {
  let state: State = { is: 'paused' }
  let hostKind = 0
  let workerGeneration = ''
  /** When hubs died, in ms of `performance.now()`. */
  let deaths: number[] = []
  /** This tab was frozen: what reaches it next may be from before a sign-out that it missed (A4). */
  let wasFrozen = false
  const pauses = new Set<PauseReason>()

  /** The link to this tab's hub; `null`: there is none. */
  const current = () => (state.is === 'attaching' || state.is === 'attached' ? state.link : null)

  /** Lets go of all that the state before held and this one does not. */
  const enter = (next: State) => {
    const before = state
    state = next
    if (before.is === 'attached') before.watch.close()
    if ('link' in before && !('link' in next && next.link === before.link)) before.link.close()
  }
  /** Without a hub there is nobody else to say what became of the stream. */
  const stop = (error: ErrorData) => {
    enter({ is: 'stopped' })
    options.onStatus({ state: error.state, since: error.at, error })
    options.onError(error)
  }
  const fail = (message: string) => stop(localError('worker', message, 'failed'))

  /** The hub is gone, or never came: another one takes its place, and this tab goes on from its cursor. */
  const respawn = (generation: string) => {
    const now = performance.now()
    deaths = [...deaths.filter((at) => now - at < RESPAWN_WINDOW), now]
    if (deaths.length > RESPAWNS)
      return fail(
        `The worker died ${RESPAWNS} times within ${RESPAWN_WINDOW / 1_000} s; reconnect() tries again.`,
      )
    workerGeneration = generation
    if (attach()) options.onStatus({ state: 'connecting', since: Date.now() })
  }

  const onWelcome = (link: Link, welcome: Welcome) => {
    if (current() !== link) return
    if (!welcome.ok) return stop(welcome.error)
    const { incarnation, locks } = welcome
    // All tabs of a dead hub derive the same generation from it, and so meet again without talking.
    const onGone = () => respawn(`#${incarnation}`)
    const watch = watchHub(link.hub, incarnation, locks, options.isLeaving, onGone)
    enter({ is: 'attached', link, watch })
    options.onWelcome(welcome)
  }
  const onSilence = async (link: Link, connects: number) => {
    if (current() !== link) return
    if (!link.isReached() && connects < CONNECTS) return void attach(connects + 1)
    const other = await findOtherGeneration(workerGeneration)
    if (current() === link) respawn(other ?? `#${deaths.length}`)
  }

  /** @returns whether there is a worker to ask */
  const attach = (connects = 1): boolean => {
    const link = openLink(options, hostKind, workerGeneration, tabApi, onFailed)
    if (link === null) {
      fail(NO_SCRIPT)
      return false
    }
    enter({ is: 'attaching', link })
    link.welcome.then(
      (welcome) => onWelcome(link, welcome),
      () => onSilence(link, connects),
    )
    return true
  }
  const onFailed = (link: Link) => {
    // Once it has answered it is loaded: what its script throws later is no reason to leave it.
    if (state.is !== 'attaching' || state.link !== link) return
    hostKind = link.dedicated ? Number.POSITIVE_INFINITY : hostKind + 1
    attach()
  }

  /** What the hub at the other end of a link may call. */
  const tabApi = (link: Link): TabApi => ({
    async deliver(batch) {
      // Nothing is delivered before the welcome has said where this tab begins.
      await link.welcome.catch(() => {})
      if (wasFrozen) {
        const { attached } = await limitHubCall(link.hub.ping(), 'ping()')
        // To the hub, if there is one, this batch was not taken: it comes again.
        if (!attached) throw new Error('detached')
        wasFrozen = false
      }
      await options.onBatch(unpack(batch), () => current() === link)
    },
    status(next) {
      if (current() === link) options.onStatus(next)
    },
    error(error) {
      if (current() !== link) return
      // For good (T4): a status that the hub might still send would hide it.
      if (error.kind === 'superseded') stop(error)
      else options.onError(error)
    },
    accessToken: options.accessToken,
    signOut() {
      if (current() !== link || options.isLeaving()) return
      enter({ is: 'signed-out', link })
      options.onSignedOut()
      // Once this call is answered, which a closed port would not do.
      setTimeout(() => enter({ is: 'closed' }))
    },
  })

  const ask = async <T>(run: (hub: Remote<HubApi>) => T): Promise<Awaited<T>> => {
    const link = current()
    if (link === null) throw new Error('This tab has no worker.')
    try {
      return await link.call(run)
    } catch (error) {
      if (current() === link) throw error
      return ask(run)
    }
  }
  const tell = (run: (hub: Remote<HubApi>) => unknown) => {
    ask(run).catch(() => {})
  }

  const lifecycle = watchLifecycle({
    onPause(reason) {
      // A frozen tab costs a shared hub one cursor; a hub of its own would be frozen with the lock in its hand.
      if (reason === 'frozen' && !current()?.dedicated) {
        wasFrozen = true
        return
      }
      pauses.add(reason)
      if (current() !== null) enter({ is: 'paused' })
    },
    onResume(reason) {
      if (pauses.delete(reason) && pauses.size === 0 && state.is === 'paused') attach()
    },
    onVisible: (visible) => tell((hub) => hub.visible(visible)),
  })

  attach()

  return {
    call: (what, run, ms = CALL_LIMIT) => limitHubCall(ask(run), what, ms),
    tell,
    reconnect() {
      if (current() !== null) return tell((hub) => hub.reconnect())
      if (state.is !== 'stopped') return
      hostKind = 0
      deaths = []
      enter({ is: 'paused' })
      if (pauses.size === 0) attach()
    },
    close() {
      lifecycle.close()
      if (state.is !== 'signed-out') enter({ is: 'closed' })
    },
  }
}
