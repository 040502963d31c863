import type { HubOptions } from '../../src/shared/hub-options.ts'
import type { ConnectionStatus, ErrorData, Status } from '../../src/shared/status.ts'
import type { Denied, Granted } from '../auth/credential.ts'
import type { Credentials } from '../auth/credentials.ts'
import { CLOSE_GRACE } from '../base/close-grace.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import { MARKER } from '../topics/marker.ts'
import type { Topics } from '../topics/topics.ts'
import { type Attempt, createAttempt } from './attempt.ts'
import {
  type ConnectionEvent,
  type ConnectionState,
  type Phase,
  TRANSITIONS,
  type Wait,
} from './connection-state.ts'
import { watchCredentials } from './credential-watch.ts'
import { createErrorReports } from './error-reports.ts'
import type { Ingest } from './ingest.ts'
import type { Parsed } from './parser.ts'
import { createPositionKeeper } from './position-keeper.ts'
import { watchRenewal } from './renewal.ts'
import { resumption } from './resumption.ts'
import { ASK_FIRST, createRetryPolicy } from './retry-policy.ts'
import { createRhythm, type Rhythm } from './rhythm.ts'
import type { Outcome } from './transport.ts'
import { createTriggers, type Triggers } from './triggers.ts'
import { faultOf, judge, NO_ANSWER, tooLargeMessage, UNSENDABLE, type Verdict, type Why } from './verdict.ts'

/** ms of health after which the attempt counter starts over (S4). */
const HEALTHY_AFTER = 10_000
/** ms without an answer after which the status names the likely causes. */
const NO_ANSWER_AFTER = 8_000

export interface ConnectionOptions {
  platform: Platform
  options: HubOptions
  credentials: Credentials
  log: Pick<Log, 'ready' | 'connected' | 'restart' | 'lastEventId' | 'streamClient' | 'rhythm' | 'keepRhythm'>
  /** Where the events go. */
  ingest: Ingest
  /** `null`: the stream has no topics. */
  topics: Pick<Topics, 'ask' | 'opened' | 'closed'> | null
  /** Whether the stream comes from the page's own origin. */
  sameOrigin: boolean
  /** Whether `Stream-Client` may go along (R6): elsewhere an unknown header fails the preflight. */
  sendStreamClient: boolean
  metrics: MetricsRecorder
  /** Resolves when it is time to read more (P3). */
  rest(): Promise<void>
  onStatus(): void
  onError(error: ErrorData): void
}

/** The life of the stream: when to try, what an end means, how long to wait. This file knows nothing of tabs. */
export interface Connection extends Pick<Triggers, 'nudge' | 'welcome' | 'wake'> {
  status(): ConnectionStatus
  /**
   * Makes an error of another part's fault, with the state of the stream in it. Reports nothing. It is retryable: each
   * other part tries again by itself, whatever state the stream is in.
   */
  errorOf(why: Why): ErrorData
  /** Another hub leads, or there is no tab: ends the stream, and opens none. */
  hold(): void
  /** This hub leads, and has tabs: opens the stream. */
  release(): void
  /**
   * No tab is in view (H2): ends the stream or the attempts, and shows `idle`. Does nothing before a time that the server
   * named.
   */
  letGo(): void
  /** `reconnect()`: tries now, as if for the first time, also in place of an attempt or a stream that stands. */
  retry(): void
  /** Opens a stream that stands anew, to ask for other topics (R7). It goes on from where it is. */
  reopen(): void
  /** `dropLog()`: the log starts over, without a position (I2). A stream that stands goes on. */
  drop(): void
  /** Aborts what is under way, for good. */
  close(): void
}

/** What some phases need when they are entered. */
interface Given {
  /** Default: the next attempt is due at once. */
  wait: Wait
  /** For the next attempt. Default: the attempt obtains one. */
  credential: Granted | null
}

/**
 * Over 200 lines, and a file over 250: each function here reads or changes the one `phase`. What does not touch the
 * phase has left for files of its own (retry-policy.ts, triggers.ts, position-keeper.ts, error-reports.ts, attempt.ts).
 */
export const createConnection = (deps: ConnectionOptions): Connection => {
  const { platform, options, credentials, log, metrics } = deps
  let phase: Phase = { state: 'idle', since: platform.now() }
  let resume: Status['resume'] = 'fresh'
  /** When the last stream was lost; `null`: none has opened yet. */
  let lostAt: number | null = null
  /** When this hub last gave up a request that the server may know of, in ms since 1970. */
  let abortedAt = Number.NEGATIVE_INFINITY
  /** A 401 has led to a new token. A second 401 in a row makes the stream `unauthorized` (S6). */
  let isRefreshed = false
  /** The header `Authorization` of the last attempt; `null`: it had none. */
  let authorization: string | null = null
  /** The attempt under way was made for `dropLog()`. The log starts over once that attempt has ended or opened. */
  let isDropDue = false
  /** `null`: this hub has not streamed since it last began to lead, and the log may know the server's rhythm. */
  let rhythm: Rhythm | null = null
  const policy = createRetryPolicy(platform.random)
  const position = createPositionKeeper({
    log,
    isOtherOrigin: !deps.sameOrigin,
    isHeader: options.lastEventId === null,
  })
  const errors = createErrorReports({
    platform,
    metrics,
    context: () => ({ state: phase.state, attempt: policy.attempts(), lastEventId: log.lastEventId() }),
    onStatus: deps.onStatus,
    onError: deps.onError,
  })
  /** The timers that end with the phase. */
  const timers = new Set<() => void>()
  const after = (ms: number, run: () => void) => void timers.add(platform.after(ms, run))
  const cancelTimers = () => {
    for (const cancel of timers) cancel()
    timers.clear()
  }

  const isPresent = (attempt: Attempt) => 'attempt' in phase && phase.attempt === attempt

  const leave = (next: ConnectionState) => {
    cancelTimers()
    if (phase.state === 'unauthorized') phase.watch.close()
    if (next !== 'connecting') credentials.settled(next === 'open')
    if (isDropDue && next !== 'connecting') {
      isDropDue = false
      if (next !== 'open') void log.restart('dropped', '')
    }
    if (!('attempt' in phase) || next === 'open') return
    deps.topics?.closed()
    phase.attempt.abort()
    const now = platform.now()
    if (phase.attempt.isSent() && !phase.attempt.isOver()) abortedAt = now
    if (phase.state !== 'open') return
    lostAt = now
    metrics.closed(now - phase.since, now)
  }

  const phaseOf = (state: ConnectionState, { wait, credential }: Given): Phase => {
    const since = platform.now()
    switch (state) {
      case 'connecting': {
        const { sameOrigin, onStatus: onHealth } = deps
        const onRhythm = (period: number | null) => log.keepRhythm(period)
        const attempt = createAttempt({ platform, options, metrics, sameOrigin, onHealth, onRhythm })
        return { state, since, attempt, credential }
      }
      case 'open':
        // Reached from `connecting` alone.
        return { state, since, attempt: (phase as Phase & { attempt: Attempt }).attempt, isUseful: false }
      case 'waiting':
      case 'offline':
        return { state, since, wait }
      case 'unauthorized':
        return { state, since, watch: watchForLogIn(null) }
      default:
        return { state, since }
    }
  }

  /** @param except the authorization whose answer was a page; `null`: none, the credentials know what was refused */
  const watchForLogIn = (except: string | null) =>
    watchCredentials({
      platform,
      credentials,
      // After a page as the answer, asking costs no request: the authorization has to change first.
      first: except === null ? policy.waitForCredential() : ASK_FIRST,
      except,
      onCredential: (credential) => void enter('retry', { credential }),
    })

  const enter = (event: ConnectionEvent, given: Partial<Given> = {}): boolean => {
    const next = TRANSITIONS[phase.state][event]
    if (next === null) return false
    leave(next)
    phase = phaseOf(next, { wait: { until: platform.now(), isTold: false }, credential: null, ...given })
    if (phase.state === 'connecting') begin(phase.attempt, phase.credential)
    schedule()
    deps.onStatus()
    return true
  }

  /** Sets the timers of a phase that waits. */
  const schedule = () => {
    if (!('wait' in phase)) return
    const { since, wait } = phase
    // A clock that was set back makes nobody wait for longer.
    after(Math.min(wait.until - since, wait.until - platform.now()), () => enter('retry'))
    if (phase.state === 'offline') triggers.lookForNetwork(after)
  }

  const wait = (ms: number, isTold = false): boolean =>
    enter(platform.isOnline() ? 'lost' : 'cut-off', { wait: { until: platform.now() + ms, isTold } })

  const backOff = (why: Why, retryAfter: number | null, isSeldom = false) => {
    const ms = policy.wait({ retryAfter, isSeldom, isOnline: platform.isOnline() })
    if (!wait(ms, retryAfter !== null)) return
    if (isSeldom && authorization !== null) timers.add(watchForLogIn(authorization).close)
    errors.report(why)
  }

  const stop = (event: 'refused' | 'fatal', why: Why) => {
    if (enter(event)) errors.report(why)
  }

  /** @param asked the position that the request asked to resume after, or `''` */
  const opened = async (attempt: Attempt, headers: Headers, asked: string, credential: Granted) => {
    if (!isPresent(attempt)) return
    const lost = position.opened(asked)
    if (lost === 'probe') return void enter('retry')
    const now = platform.now()
    metrics.opened(lostAt === null ? null : now - lostAt)
    resume = lost === 'position-lost' ? 'reset' : resumption(headers, asked, lostAt !== null)
    isRefreshed = false
    errors.clear()
    enter('opened')
    if (phase.state === 'open') phase.isUseful = resume === 'continued'
    after(HEALTHY_AFTER, () => {
      policy.startOver()
      deps.onStatus()
    })
    timers.add(watchRenewal({ platform, credentials, credential, onRenewed: reopen }).close)
    deps.topics?.opened(headers)
    void log.connected(asked !== '')
    if (lost !== null || resume === 'reset') {
      position.startedOver()
      return log.restart(lost ?? 'server', '')
    }
    if (resume === 'unconfirmed' && options.resume === 'strict') return log.restart('unconfirmed', asked)
  }

  const reopen = () => {
    if (phase.state !== 'open') return
    policy.uncount()
    enter('retry')
  }

  const take = async (attempt: Attempt, { retry, blocks, tooLarge }: Parsed) => {
    if (retry !== null) policy.setBase(retry)
    if (phase.state === 'open' && blocks.some(({ type }) => type !== null && type !== MARKER))
      phase.isUseful = true
    for (let left = tooLarge; left > 0; left--)
      errors.skipped('too-large', tooLargeMessage(options.maxEventSize))
    const { refused, unavailable } = await deps.ingest.take(blocks, () => isPresent(attempt))
    for (const message of refused) errors.skipped('signature', message)
    // The event may be genuine. The position is still the one before it, so the server sends it again.
    if (unavailable !== null && isPresent(attempt)) backOff({ kind: 'signature', message: unavailable }, null)
  }

  /** Decides what comes next, once an attempt is over. */
  const settle = (outcome: Outcome, asked: string) => {
    const { next, why, retryAfter, isSeldom }: Verdict = judge(outcome, platform.now())
    const proven = phase.state === 'connecting' ? position.failed(outcome) : null
    if (proven !== null) {
      if (wait(retryAfter ?? 0, retryAfter !== null) && proven === 'unsendable') errors.report(UNSENDABLE)
      return
    }
    switch (next) {
      case 'ended':
        return void enter('ended')
      case 'position-lost':
        // Some server may answer 410 to a request without a position too. Without a backoff the hub would hammer it.
        if (asked === '') return backOff(why, retryAfter)
        position.giveUp()
        return void wait(0)
      case 'unauthorized':
        if (outcome.type === 'anothers') credentials.refused('anothers')
        else credentials.refused('refused', 'headers' in outcome ? outcome.headers : undefined)
        if (isRefreshed || options.auth === null) return stop('refused', why)
        isRefreshed = true
        return void wait(0)
      case 'fatal':
        return stop('fatal', why)
      case 'lost': {
        const isClean = outcome.type === 'ended' && outcome.cause === null
        if (!isClean || phase.state !== 'open' || !phase.isUseful) return backOff(why, retryAfter, isSeldom)
        if (wait(policy.waitAfterUse())) errors.report(why)
      }
    }
  }

  const settleWithout = ({ reason, message, status, retryAfter }: Denied) => {
    const why: Why = { kind: reason === 'limited' ? 'limit' : 'auth', message, status, cause: null }
    if (reason === 'refused') stop('refused', why)
    else backOff(why, retryAfter)
  }

  const connect = async (attempt: Attempt, given: Granted | null) => {
    const grace = abortedAt + CLOSE_GRACE - platform.now()
    // A clock that was set back makes nobody wait for longer.
    if (grace > 0 && grace <= CLOSE_GRACE) await pause(platform, grace)
    const [credential] = await Promise.all([given ?? credentials.get(), log.ready])
    if (!isPresent(attempt)) return
    if (!credential.ok) return settleWithout(credential)
    const topics = deps.topics === null ? [] : await deps.topics.ask()
    if (!isPresent(attempt)) return
    authorization = credential.headers.authorization ?? null
    const asked = position.ask()
    const headers = deps.sendStreamClient ? { 'stream-client': log.streamClient() } : {}
    rhythm ??= createRhythm(log.rhythm())
    after(NO_ANSWER_AFTER, () => errors.report(NO_ANSWER))
    const outcome = await attempt.run(
      { credential, lastEventId: asked, topics, headers, rhythm },
      {
        onOpen: (headers) => opened(attempt, headers, asked, credential),
        async onParsed(parsed, isAll) {
          await take(attempt, parsed)
          if (isAll) await deps.rest()
        },
      },
    )
    if (outcome !== null && isPresent(attempt)) settle(outcome, asked)
  }

  const begin = (attempt: Attempt, given: Granted | null) => {
    policy.begin()
    metrics.attempted()
    // After a fault of its own the hub must not be silent, while its tabs are told that all is well.
    connect(attempt, given).catch((error: unknown) => {
      if (isPresent(attempt)) backOff(faultOf(error), null)
    })
  }

  const retry = () => {
    // The user may have logged in after this attempt was sent, so the hub gives up the token of that attempt.
    if (phase.state === 'connecting' && phase.attempt.isSent()) credentials.refused('refused')
    credentials.forgive()
    policy.startOver()
    isRefreshed = false
    position.retry()
    enter('retry')
  }

  const triggers = createTriggers({
    platform,
    phase: () => phase,
    enter,
    retry,
    lookForCredential() {
      // Without a token only the server can tell whether the user has logged in since.
      if (options.auth === null) credentials.forgive()
      if (phase.state === 'unauthorized') phase.watch.look()
    },
    reschedule() {
      cancelTimers()
      schedule()
    },
  })

  return {
    status: () => ({
      state: phase.state === 'disposed' ? 'closed' : phase.state,
      attempt: policy.attempts(),
      nextAttemptAt: 'wait' in phase ? phase.wait.until : null,
      since: phase.since,
      health: 'attempt' in phase && phase.attempt.isDegraded() ? 'degraded' : 'good',
      resume,
      error: errors.current(),
    }),
    errorOf: (why) => ({ ...errors.errorOf(why), retryable: true }),
    hold() {
      // Another leader may learn another rhythm meanwhile.
      rhythm = null
      enter('hold')
    },
    release() {
      // The time without a stream counts from here: before, nobody wanted one.
      if (enter('release') && lostAt !== null) lostAt = platform.now()
    },
    letGo() {
      if (('wait' in phase && phase.wait.isTold) || TRANSITIONS[phase.state].unwatched === null) return
      errors.clear()
      enter('unwatched')
    },
    retry,
    reopen,
    drop() {
      position.drop()
      const isWaiting = 'wait' in phase && !phase.wait.isTold
      if (isWaiting) position.giveUp()
      // The reset is best told once a stream is open, which then has all events that follow the reset.
      if (isWaiting && enter('retry')) isDropDue = true
      else void log.restart('dropped', '')
    },
    nudge: triggers.nudge,
    welcome: triggers.welcome,
    wake: triggers.wake,
    close() {
      enter('disposed')
      triggers.close()
    },
  }
}
