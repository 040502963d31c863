import type { ClaimPage, ClaimRecords, ClaimWord } from '../../src/shared/claims.ts'
import { leaderLock } from '../../src/shared/names.ts'
import type { ConnectionStatus, ErrorData } from '../../src/shared/status.ts'
import type { Platform } from '../base/platform.ts'
import type { Appended, Committed, Log } from '../log/log.ts'
import type { LogPoint } from '../log/log-point.ts'
import { createFailures, type Failures, type FailuresOptions } from './failures.ts'
import { createFollowerSide, type FollowerSideOptions } from './follower-side.ts'
import { createFreezeGuard } from './freeze-guard.ts'
import { createHubChannel, type HubChannel } from './hub-channel.ts'
import type { FromAnyHub, Receiver, StreamCommand } from './hub-messages.ts'
import { createLeaderLock } from './leader-lock.ts'
import { createLeaderSide, type LeaderSideOptions } from './leader-side.ts'
import { createLeaderWatch } from './leader-watch.ts'
import { createNewestKnown } from './newest-known.ts'
import { createRanking } from './ranking.ts'
import { createTakeOver, type TakeOverOptions } from './take-over.ts'
import { createTransitions, type TransitionsOptions } from './transitions.ts'

/**
 * Which hub of a key has the stream.
 *
 * What is required:
 * - L1, S1: one hub streams at a time. Its stream is closed before the next one's opens.
 * - L2: the others deliver the same events, and miss none.
 * - L3: a leader that was replaced without knowing delivers nothing and writes nothing.
 * - L4: a leader that hangs does not keep the stream from the others.
 * - L5: all of this holds between hubs that do not see each other's locks. Chromium parts the lock managers of what
 *   was open before and what opens after site data was cleared. BroadcastChannel and IndexedDB still reach both.
 *
 * The protocol, of a hub that gets its first tab:
 * 1. It opens the channel and says `who-leads`, while it opens the log: *listening*. A leader answers `leading`. Then
 *    it asks for the key's Web Lock: *queued*.
 * 2. While it follows, it keeps its log in line with what the leader relays, and asks for what is `missing`. Once a
 *    beat it says `hello`. If the leader is silent for too long, it asks for the lock again, and steals it (L4).
 * 3. The lock is granted. If this hub may have been frozen, it asks the lock manager whether the lock is still its own.
 * 4. It says its `claim`, a number above the term of its log: *claiming*. Whoever outranks the claim says so: a leader
 *    with a higher term by `leading`, a claim that is higher by itself, a hub with a newer log by `newer-log`. If it
 *    is outranked, this hub gives way and keeps the lock: *yielded*.
 * 5. It waits until the stream of the hub before is closed, or, where it knows of no log, for word of one.
 * 6. The log writes a term above all that this hub knows of. The hub is *leading*: it says so, and streams.
 * 7. All that it says and writes from now on carries the term. Others drop what carries a lower one, and the database
 *    refuses it (L3). Before each append the hub makes sure that no freeze has hidden a steal.
 *
 * Ways to stop, each an event of leadership-state.ts:
 * - in order (the stream ends, what is left is committed, 100 ms later the lock passes on): *left*, the last tab has
 *   gone; *abdicated*, none of the tabs has a token; *superseded*, a hub of a newer protocol is there, for good;
 * - at once, since another hub leads: *lost*, the lock was stolen; *fenced*, the log refused a write; *outranked*, a
 *   higher term or claim was heard, over a lock that does not exclude this hub's, which therefore keeps its own;
 * - at once, to try again in a while: *failed*, something threw.
 * A term that the log has written, and that nobody has heard of when the hub stops, is taken back (`log.undoLead`).
 *
 * Ways to begin: *granted*, the lock's turn has come; *silence*, the leader is robbed, or this hub goes on with the
 * lock that it kept; and a leader begins a new term at once if it hears of a newer log than its own (L3).
 * Ways to be in the lock's queue again: *attached*, *retried*, and each way to stop that loses the lock.
 */
export interface Leadership {
  role(): 'leader' | 'follower'
  /** The stream's status as its leader tells it. `null`: no leader has told one yet, or this hub leads. */
  leaderStatus(): ConnectionStatus | null
  failure: Failures['current']
  /** Whether this hub still leads. The answer holds even right after a freeze. */
  leads(): Promise<boolean>
  /** Whether this hub leads, and a follower has said anything in the last 5 s. */
  hasFollowers(): boolean
  /** Whether no hub has the stream, or waits for it, as far as this hub's lock manager knows. */
  isAbandoned(): Promise<boolean>

  /**
   * A tab is about to attach, and the log opens. Meanwhile this hub asks the others who leads. If nobody answers
   * within `listenFor`, the hub need not wait any more once it has the tab and the lock.
   */
  listen(): void
  /**
   * There is a tab to serve: this hub asks for the lock, unless it has it or waits for it.
   * @param told where the log of the tab's former hub stood, if that hub led or knew of a leader
   */
  join(told: LogPoint | null): void
  /** No tab is left. The stream ends, what is left is committed, then the lock passes on (S1). */
  leave(): Promise<void>
  /** None of this hub's tabs has a token, and a follower's tab may have one: hands the stream over (A2). */
  abdicate(): Promise<void>
  /** The log refused a write, since another hub has led in the meantime (L3). */
  fenced(): void
  /** Leaves, and closes the channel. A hub that only left still hears of a sign-out: it may hold events and a token. */
  close(): Promise<void>

  /** Tells the other hubs that the user has signed out (A4). */
  signOut(): void
  relayEvents(appended: Appended): void
  relayCommitted(committed: Committed): void
  relayStatus(status: ConnectionStatus): void
  relayError(error: ErrorData): void
  relayClaims(claims: ClaimRecords): void
  /** Tells a page of another hub something of its claim. */
  tellClaim(hub: string, page: string, key: string, word: ClaimWord): void
  /** The tabs of this hub want other topics: tells the leader, if that is another hub. */
  tellWants(): void
  /** A page of this hub has said something of its claims, or is gone: tells the leader, if that is another hub. */
  tellClaimants(): void
  /** @returns whether the command went to another hub. If not, this hub leads: its own connection is to be told. */
  tellLeader(command: StreamCommand): boolean
}

export interface LeadershipOptions {
  platform: Platform
  protocol: number
  key: string
  /** The random id of this hub. */
  hub: string
  /** The topics that the tabs of this hub want. */
  wanted(): string[]
  /** The pages of this hub that have claims. */
  claimants(): ClaimPage[]
  /** ms from `listen` on for which a hub that knows of no log waits for word of one, before it begins a log (L5). */
  listenFor: number
  log: TransitionsOptions['log'] &
    TakeOverOptions['log'] &
    LeaderSideOptions['log'] &
    FollowerSideOptions['log'] &
    Pick<Log, 'recall' | 'lineage'>
  /** The stream is about to run. Its token can be fetched while the log is read. */
  prepare(): void
  /** The stream may run, or must end. */
  setStreaming(streaming: boolean): void
  connectionStatus(): ConnectionStatus
  /** Whether a tab of this hub is in view. */
  isInView(): boolean
  onStatus(): void
  onError(error: ErrorData): void
  /** A tab of another hub is in view (H2). Called again and again, while this hub leads. */
  onInView(): void
  onCommand(command: StreamCommand): void
  /** A follower says which topics its tabs want. */
  onWants(hub: string, topics: string[]): void
  /** A follower says which of its pages have claims, and where each stands. */
  onClaimants(hub: string, claimants: ClaimPage[]): void
  /** What a page of this hub is told of one of its claims. */
  onClaimWord(page: string, key: string, word: ClaimWord): void
  onSignOut(): void
  /** A hub of a newer protocol is there. This one has let go of the stream for good (T4). */
  onSuperseded(by: number): void
  metrics: FailuresOptions['metrics']
  errorOf: FailuresOptions['errorOf']
}

/**
 * Wires the parts of leadership. Over 80 lines: the wiring of nine parts and the public methods, without a variable
 * of its own.
 */
export const createLeadership = (options: LeadershipOptions): Leadership => {
  const { platform, key, hub, log, onStatus } = options
  const post: HubChannel['post'] = (message) => channel.post(message)
  const sayHello = (isInView = false) => {
    const claimants = options.claimants()
    post({
      type: 'hello',
      hub,
      topics: options.wanted(),
      ...(isInView && { inView: true }),
      ...(claimants.length > 0 && { claimants }),
    })
  }
  const tellClaimants = () => {
    if (state().is !== 'leading') post({ type: 'claimants', hub, claimants: options.claimants() })
  }
  const lock = createLeaderLock(platform, leaderLock(key))
  const freeze = createFreezeGuard(platform)
  const known = createNewestKnown(log)
  const watch = createLeaderWatch({
    platform,
    onLook() {
      freeze.ran()
      sayHello(options.isInView())
    },
    onSilence: () => (state().is === 'yielded' ? takeOver.makeSure('silence') : move('silence')),
  })
  const failures = createFailures({ ...options, leaderStatus: () => follower.leaderStatus() })
  /** Each part takes from it what the part's own options name. */
  const shared = { ...options, lock, freeze, known, watch, failures, post, sayHello }
  const transitions = createTransitions({
    ...shared,
    onGranted: () => takeOver.makeSure('granted'),
    onClaiming: (claiming) => takeOver.begin(claiming),
  })
  const { state, move } = transitions
  const takeOver = createTakeOver({
    ...shared,
    transitions,
    onLeading() {
      follower.forgetLeader()
      leader.announce()
      options.setStreaming(true)
      onStatus()
    },
  })
  const leader = createLeaderSide({ ...shared, state })
  const follower = createFollowerSide({
    ...shared,
    heedLeader: (term) => ranking.heedLeader(term),
    onLeader: () => options.claimants().length > 0 && tellClaimants(),
  })
  const ranking = createRanking({ ...shared, transitions, leader })

  const asHub: Receiver<FromAnyHub> = {
    claim: ({ claim }) => ranking.heedClaim(claim),
    'newer-log'(told) {
      known.heed(told)
      if (state().is === 'claiming') log.recall(told)
      else takeOver.exceedKnown()
    },
    'sign-out': () => options.onSignOut(),
  }

  const channel = createHubChannel({
    ...options,
    asLeader: leader.receiver,
    asFollower: follower.receiver,
    asHub,
    // A hub without tabs may still hold events and a token (A4).
    hears: (type) => type === 'sign-out' || (state().is !== 'out' && state().is !== 'superseded'),
    onNewer(by) {
      if (state().is === 'superseded') return
      // From this last word the newer hub learns that a stream may have been closed a moment ago (S1).
      sayHello()
      move('superseded')
      options.onSuperseded(by)
    },
    onOlder() {
      // T4: the older hub gives way once it hears this one. Its words do not count as signs of life: if it does not
      // give way, this hub robs it after the time that a leader gets which was heard before.
      watch.noticed()
      sayHello()
    },
    onFailure: failures.report,
  })

  const listen = () => {
    if (state().is !== 'out') return
    move('expected')
    watch.listen()
    freeze.reset()
    channel.open()
    post({ type: 'who-leads' })
  }
  const leave = () => {
    move('left')
    known.forget()
    return transitions.handedOver()
  }

  const { relayEvents, relayCommitted, relayStatus, relayError, relayClaims, tellClaim } = leader
  return {
    relayEvents,
    relayCommitted,
    relayStatus,
    relayError,
    relayClaims,
    tellClaim,
    tellClaimants,
    role: () => (state().is === 'leading' ? 'leader' : 'follower'),
    leaderStatus: follower.leaderStatus,
    failure: failures.current,
    leads: takeOver.leads,
    hasFollowers: leader.hasFollowers,
    isAbandoned: async () => !(await lock.isAsked()),
    join(told) {
      if (told !== null) known.heed(told)
      takeOver.exceedKnown()
      listen()
      move('attached')
    },
    listen,
    leave,
    async abdicate() {
      if (state().is !== 'leading' || !leader.hasFollowers()) return
      move('abdicated')
      watch.sign()
      await transitions.handedOver()
      onStatus()
    },
    fenced: () => move('fenced'),
    async close() {
      await leave()
      channel.close()
    },
    signOut: () => post({ type: 'sign-out' }),
    tellWants() {
      if (state().is !== 'leading') sayHello()
    },
    tellLeader(command) {
      if (state().is === 'leading') return false
      post({ type: 'command', command })
      return true
    },
  }
}
