import { CLOSE_GRACE } from '../base/close-grace.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { FreezeGuard } from './freeze-guard.ts'
import type { HubMessage } from './hub-messages.ts'
import type { LeaderWatch } from './leader-watch.ts'
import type { NewestKnown } from './newest-known.ts'
import { type Claiming, FAILED, type Leading, type Transitions } from './transitions.ts'

export interface TakeOverOptions {
  platform: Pick<Platform, 'after'>
  log: Pick<Log, 'position' | 'lead' | 'undoLead' | 'follow'>
  transitions: Transitions
  known: NewestKnown
  watch: Pick<LeaderWatch, 'hasHeard' | 'listenedFor'>
  freeze: Pick<FreezeGuard, 'catchUp'>
  /** ms, see leadership.ts */
  listenFor: number
  post(message: HubMessage): void
  prepare(): void
  /** A term of this hub's begins. */
  onLeading(): void
  onFailure(message: string, cause: unknown): void
}

export interface TakeOver {
  /** Step 3: moves on by `event`, unless this hub was robbed while it was frozen. */
  makeSure(event: 'granted' | 'silence'): void
  /** Steps 4 to 6. */
  begin(claiming: Claiming): void
  /**
   * L3: without IndexedDB this leader may have counted from too low. If others know of a newer term, it begins
   * another term, above that.
   */
  exceedKnown(): void
  /** Whether this hub still leads: sure even right after it was frozen. */
  leads(): Promise<boolean>
}

/** How a hub that holds the lock comes to lead: the steps of leadership.ts from the grant on. */
export const createTakeOver = ({
  platform,
  log,
  transitions,
  known,
  watch,
  freeze,
  listenFor,
  post,
  prepare,
  onLeading,
  onFailure,
}: TakeOverOptions): TakeOver => {
  const { state, move, fail } = transitions
  /** A term above that one has begun, since others told of it. */
  let exceeded = 0

  const leads = async () => {
    await freeze.catchUp()
    return state().is === 'leading'
  }

  /** A hub that threw here would be silent while it answers pings: it lets go, and tries again. */
  const failAs = (mine: Claiming | Leading) => (cause: unknown) => {
    const now = state()
    if ((now.is === 'claiming' || now.is === 'leading') && now.lock === mine.lock) fail(cause)
    else onFailure(FAILED, cause)
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
    // The leader before may have died with its stream open: the browser closes that, but tells nobody (S1). Its
    // other tabs come meanwhile, and may know better where to go on.
    const hadLeader = watch.hasHeard() || known.isTold()
    // A hub that knows of no log is no proof that there is none: site data may have been cleared a moment ago (L5).
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
