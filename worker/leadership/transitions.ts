import { CLOSE_GRACE } from '../base/close-grace.ts'
import { exponential } from '../base/exponential.ts'
import type { Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import { type Failures, REFUSED } from './failures.ts'
import type { LeaderLock, LockRequest } from './leader-lock.ts'
import type { LeaderWatch } from './leader-watch.ts'
import {
  type LeadershipEvent,
  type LeadershipState,
  type StateName,
  TRANSITIONS,
} from './leadership-state.ts'
import type { NewestKnown } from './newest-known.ts'

export type Holding = Extract<LeadershipState, { lock: LockRequest }>
export type Claiming = Extract<LeadershipState, { is: 'claiming' }>
export type Leading = Extract<LeadershipState, { is: 'leading' }>

export interface TransitionsOptions {
  platform: Pick<Platform, 'after' | 'random'>
  lock: LeaderLock
  watch: Pick<LeaderWatch, 'start' | 'stop'>
  log: Pick<Log, 'position' | 'flush' | 'follow'>
  known: Pick<NewestKnown, 'term'>
  failures: Failures
  sayHello(): void
  setStreaming(streaming: boolean): void
  onStatus(): void
  /** The lock manager has granted the lock, perhaps before a freeze: the hub has to make sure that it still has it. */
  onGranted(): void
  onClaiming(state: Claiming): void
}

export interface Transitions {
  /** A new object with each move. Whoever has waited compares it, to see whether anything has changed. */
  state(): LeadershipState
  /** Does what TRANSITIONS says of the event in the present state, if anything. */
  move(event: LeadershipEvent): void
  /** Reports an error that keeps this hub from leading. The hub tries again in a while. */
  fail(cause: unknown): void
  /** Resolves once the last stream that this hub handed over is closed and committed. */
  handedOver(): Promise<void>
}

const FOLLOWING: ReadonlySet<StateName> = new Set(['queued', 'yielded', 'abdicated', 'retrying'])
const HANDED_OVER: ReadonlySet<StateName> = new Set(['out', 'abdicated', 'superseded'])

/**
 * What happens when a hub goes from one state to the next: leadership-state.ts says when. Over 80 lines: what is begun at
 * the entry to a state stands beside what ends at the exit.
 */
export const createTransitions = ({
  platform,
  lock,
  watch,
  log,
  known,
  failures,
  sayHello,
  setStreaming,
  onStatus,
  onGranted,
  onClaiming,
}: TransitionsOptions): Transitions => {
  let state: LeadershipState = { is: 'out' }
  let handedOver: Promise<void> = Promise.resolve()
  /** Failures in a row, since this hub led. */
  let failed = 0

  const enter = (next: StateName, from: LeadershipState, event: LeadershipEvent): LeadershipState => {
    const { lock: held } = from as Holding
    switch (next) {
      case 'queued':
        return {
          is: next,
          lock: lock.ask(event === 'silence', {
            onGranted,
            onLost: () => move('lost'),
            onRefused: (cause) => fail(cause, REFUSED),
          }),
        }
      case 'claiming':
        return { is: next, lock: held, claim: log.position().term + platform.random() }
      case 'leading':
        failed = 0
        failures.clear()
        return { is: next, lock: held, term: known.term() }
      case 'yielded':
        return { is: next, lock: held }
      case 'retrying':
        return { is: next, cancel: platform.after(exponential(failed++), () => move('retried')) }
      default:
        return { is: next }
    }
  }

  /** Stops in order: the stream ends, then the log commits what is left, then the lock passes on (S1). */
  const handOver = async ({ lock: held }: Holding) => {
    held.forget()
    setStreaming(false)
    await log.flush().catch(failures.report)
    log.follow()
    platform.after(CLOSE_GRACE, held.release)
  }

  /** Stops at once, since another hub leads already or is about to. That hub gets the uncommitted events again. */
  const stepDown = () => {
    setStreaming(false)
    log.follow()
    onStatus()
    sayHello()
  }

  /** Undoes what the state before held: its timer, its stream, its lock. */
  const exit = (from: LeadershipState, next: StateName) => {
    if (from.is === 'retrying') from.cancel()
    if (!('lock' in from)) return
    if (HANDED_OVER.has(next)) {
      handedOver = handOver(from)
      return
    }
    // After a failure this hub may have begun to lead already.
    if (from.is === 'leading' || next === 'retrying') stepDown()
    else if (next === 'yielded') sayHello()
    if (next === 'queued') from.lock.release()
    if (next !== 'retrying') return
    from.lock.forget()
    platform.after(CLOSE_GRACE, from.lock.release)
  }

  const move = (event: LeadershipEvent) => {
    const next = TRANSITIONS[state.is][event]
    if (next === null) return
    const from = state
    state = enter(next, from, event)
    if (FOLLOWING.has(next)) watch.start()
    else watch.stop()
    exit(from, next)
    if (state.is === 'claiming') onClaiming(state)
  }

  const fail = (cause: unknown, message?: string) => {
    failures.blocked(cause, message)
    move('failed')
  }

  return { state: () => state, move, fail: (cause) => fail(cause), handedOver: () => handedOver }
}
