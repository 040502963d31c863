import { CLOSE_GRACE } from '../base/close-grace.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { Failures } from './failures.ts'
import type { FreezeGuard } from './freeze-guard.ts'
import type { HubMessage } from './hub-messages.ts'
import type { LeaderWatch } from './leader-watch.ts'
import type { NewestKnown } from './newest-known.ts'
import type { Claiming, Leading, Transitions } from './transitions.ts'

export interface TakeOverOptions {
  platform: Pick<Platform, 'after'>
  log: Pick<Log, 'position' | 'lead' | 'undoLead' | 'follow'>
  transitions: Transitions
  failures: Pick<Failures, 'report'>
  known: NewestKnown
  watch: Pick<LeaderWatch, 'hasHeard' | 'listenedFor'>
  freeze: Pick<FreezeGuard, 'catchUp'>
  /** ms, see leadership.ts */
  listenFor: number
  post(message: HubMessage): void
  prepare(): void
  /** This hub begins a term. */
  onLeading(): void
}

export interface TakeOver {
  /** Step 3 of leadership.ts: moves on by `event`, unless this hub was robbed while it was frozen. */
  makeSure(event: 'granted' | 'silence'): void
  /** Steps 4 to 6 of leadership.ts. */
  begin(claiming: Claiming): void
  /**
   * L3: without IndexedDB this leader may have given itself a term that is too low. If others know of a newer term,
   * this hub begins another one above that.
   */
  exceedKnown(): void
  /** Whether this hub still leads. The answer holds even right after a freeze. */
  leads(): Promise<boolean>
}

/** How a hub that holds the lock comes to lead: the steps of leadership.ts from the grant on. */
export const createTakeOver = ({
  platform,
  log,
  transitions,
  failures,
  known,
  watch,
  freeze,
  listenFor,
  post,
  prepare,
  onLeading,
}: TakeOverOptions): TakeOver => {
  const { state, move, fail } = transitions
  /** The newest term of another hub above which this one has already begun a term, as a leader. */
  let exceeded = 0

  const leads = async () => {
    await freeze.catchUp()
    return state().is === 'leading'
  }

  /** Lets go after an error, and tries again: else this hub would answer pings, and never stream. */
  const failAs = (mine: Claiming | Leading) => (cause: unknown) => {
    const now = state()
    if ((now.is === 'claiming' || now.is === 'leading') && now.lock === mine.lock) fail(cause)
    else failures.report(cause)
  }

  const beginTerm = async (mine: Claiming | Leading) => {
    const term = await log.lead(known.termToExceed()).catch((cause) => {
      log.follow()
      throw cause
    })
    if (state() !== mine || term === null) {
      log.undoLead()
      if (state() === mine) move('fenced')
      return
    }
    known.heardOf(term)
    if (mine.is === 'leading') mine.term = term
    else move('led')
    onLeading()
  }

  const begin = async (mine: Claiming) => {
    post({ type: 'claim', claim: mine.claim })
    prepare()
    // The leader before may have died with its stream open. The browser closes that stream, but tells nobody (S1).
    // Meanwhile that leader's other tabs come, and may know better where to go on.
    const hadLeader = watch.hasHeard() || known.isTold()
    // There may be a log that this hub knows nothing of: site data may have been cleared a moment ago (L5).
    const listen = log.position().term > 0 ? 0 : Math.min(listenFor, listenFor - watch.listenedFor())
    const wait = hadLeader ? CLOSE_GRACE : listen
    if (wait > 0) await pause(platform, wait)
    await freeze.catchUp()
    if (state() === mine) await beginTerm(mine)
  }

  const exceed = async (mine: Leading) => {
    if (await leads()) await beginTerm(mine)
  }

  return {
    makeSure(event) {
      const mine = state()
      freeze.catchUp().then(() => state() === mine && move(event), fail)
    },
    begin: (mine) => void begin(mine).catch(failAs(mine)),
    exceedKnown() {
      const now = state()
      const newest = known.logPoint().lineage.term
      if (now.is !== 'leading' || newest <= Math.max(now.term, exceeded)) return
      exceeded = newest
      exceed(now).catch(failAs(now))
    },
    leads,
  }
}
