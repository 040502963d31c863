import type { Remote } from 'comlink'
import { hubLock, watchLock } from '../shared/names.ts'
import type { HubApi } from '../shared/protocol.ts'
import { limitHubCall } from './call-limit.ts'

/**
 * ms between two signs of a hub that has a tab in view. A ping takes three wake-ups, with its timer and its answer: so
 * all tabs together stay below two a second (P11).
 */
const PING = 1_600
/** ms between two signs of a hub whose tabs are all hidden: browsers run a hidden page's timers once a minute. */
const HIDDEN_PING = 60_000
/** ms for an answer to a ping. */
const ANSWER = 1_500
/** So many pings in a row may go unanswered. One alone may have waited behind this page's own long task. */
const MISSES = 2

/** A request that is withdrawn, or robbed, is no error. */
const requestLock = (name: string, options: LockOptions, granted: () => unknown) =>
  void navigator.locks.request(name, options, granted).catch(() => {})

/** How much this page can see of its hub. A frozen page runs no timer, and must not keep others from watching. */
export type Attention = 'in view' | 'hidden' | 'frozen'

/** A watch over one hub. */
export interface HubWatch {
  /** The page has come into view, was hidden, or is frozen. Until the first call, nobody but the hub's lock tells. */
  attend(attention: Attention): void
  /** Pings the hub now: somebody looks at this page, or asks for something. */
  look(): void
  /** The hub has shown that it runs: that is as good as the answer to a ping. */
  heard(): void
  /** Ends the watch: `onGone` is not called any more. */
  close(): void
}

/**
 * Watches whether the attached hub is still there (T2). The hub's lock tells of its death within milliseconds. A hub
 * that hangs keeps its lock, but answers no ping. A worker that was silently restarted answers with another
 * incarnation.
 *
 * One tab pings for all (P11): the one that holds the hub's watch lock. Tabs in view have one such lock, hidden tabs
 * another. A hub that elected the tab could not replace it once the hub itself hangs, and the lock manager can. A tab
 * that finds the hub gone lets go of the lock, so that the next tab looks at once.
 *
 * Over 80 lines: what pings, what waits for its turn, and what ends both share one timer.
 *
 * @param locks whether this page sees the hub's lock. If not, each page pings: its pings say that it is there (T1).
 * @param isLeaving whether this tab signs out (A4): its session then ends before the answer, and the hub still lives
 * @param onGone called once
 */
export const watchHub = (
  hub: Remote<HubApi>,
  incarnation: string,
  locks: boolean,
  isLeaving: () => boolean,
  onGone: () => void,
): HubWatch => {
  const stop = new AbortController()
  /** When the hub last gave a sign, in ms of `performance.now()`. */
  let heardAt = performance.now()
  let isPinging = false
  /** ms between two signs; `null`: another tab pings. */
  let period: number | null = null
  let endTurn = () => {}
  let timer: ReturnType<typeof setTimeout>

  const gone = () => {
    if (stop.signal.aborted) return
    close()
    onGone()
  }
  /** This tab alone has noticed. All others queue for the hub's lock: to steal and free the lock tells them. */
  const goneForAll = () => {
    if (locks && !stop.signal.aborted) requestLock(hubLock(incarnation), { steal: true }, () => {})
    gone()
  }
  const schedule = () => {
    clearTimeout(timer)
    if (stop.signal.aborted || period === null) return
    const left = heardAt + period - performance.now()
    if (left > 0) timer = setTimeout(schedule, left)
    else void look()
  }
  const look = async () => {
    if (isPinging || stop.signal.aborted) return
    isPinging = true
    for (let misses = 0; misses < MISSES && !stop.signal.aborted; ) {
      const askedAt = performance.now()
      try {
        const pong = await limitHubCall(hub.ping(), 'ping()', ANSWER)
        heardAt = performance.now()
        if (pong.incarnation !== incarnation) goneForAll()
        else if (!(pong.attached || isLeaving())) gone()
        break
      } catch {
        // A hub that is busy with a flood answers late, but shows that it runs.
        if (heardAt > askedAt) break
        if (++misses === MISSES) goneForAll()
      }
    }
    isPinging = false
    schedule()
  }
  const close = () => {
    stop.abort()
    clearTimeout(timer)
    endTurn()
  }
  const takeTurn = (attention: 'in view' | 'hidden') => {
    const turn = new AbortController()
    const { signal } = turn
    endTurn = () => turn.abort()
    requestLock(watchLock(incarnation, attention), { signal }, () => {
      if (signal.aborted) return
      period = attention === 'hidden' ? HIDDEN_PING : PING
      // The tab whose turn it was may have found the hub gone.
      void look()
      return new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
  }

  if (locks) requestLock(hubLock(incarnation), { signal: stop.signal }, gone)
  else {
    // The first ping goes out at once: to a hub that does not see this tab's lock, it says that the tab is there.
    period = PING
    void look()
  }
  return {
    attend(attention) {
      if (!locks || stop.signal.aborted) return
      endTurn()
      clearTimeout(timer)
      period = null
      if (attention !== 'frozen') takeTurn(attention)
    },
    look: () => void look(),
    heard() {
      if (locks) heardAt = performance.now()
    },
    close,
  }
}
