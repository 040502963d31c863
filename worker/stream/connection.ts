import type { HubOptions } from '../../src/shared/hub-options.ts'
import type { ConnectionStatus, ErrorData, Status } from '../../src/shared/status.ts'
import type { Denied, Granted } from '../auth/credential.ts'
import type { Credentials } from '../auth/credentials.ts'
import { CLOSE_GRACE } from '../base/close-grace.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
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
/** ms without an answer after which the status says what a server has to do. */
const NO_ANSWER_AFTER = 8_000

export interface ConnectionOptions {
  platform: Platform
  options: HubOptions
  credentials: Credentials
  log: Pick<Log, 'ready' | 'connected' | 'restart' | 'lastEventId' | 'streamClient' | 'rhythm' | 'keepRhythm'>
  /** Where the events go. */
  ingest: Ingest
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

/** The life of the stream: when to try, what an end means, how long to wait. Knows nothing of tabs. */
export interface Connection extends Pick<Triggers, 'nudge' | 'welcome' | 'wake'> {
  status(): ConnectionStatus
  /** An error of the state that the stream is in: for who has something else to report. */
  errorOf(why: Why): ErrorData
  /** Another hub leads, or there is no tab: no stream. */
  hold(): void
  /** This hub leads, and has tabs. */
  release(): void
  /** Somebody asked: try now, as if for the first time. Also in place of an attempt or a stream that stands. */
  retry(): void
  /** Somebody asked: the log starts over, without a position (I2). A stream that stands goes on. */
  drop(): void
  /** For good: aborts what is under way. */
  close(): void
}

/** What a phase is entered with, where it needs it. */
interface Given {
  /** Default: the next attempt is due at once. */
  wait: Wait
  /** For the next attempt. Default: it is obtained. */
  credential: Granted | null
}

/** Over 200 lines in one function, since every one of them reads or changes the one state that it guards. */
export const createConnection = (deps: ConnectionOptions): Connection => {
  const { platform, options, credentials, log, metrics } = deps
  let phase: Phase = { state: 'idle', since: platform.now() }
  let resume: Status['resume'] = 'fresh'
  /** When the last stream was lost; `null`: none has opened yet. */
  let lostAt: number | null = null
  /** When a request was last given up that the server may know of. */
  let abortedAt = Number.NEGATIVE_INFINITY
  /** After a first 401 the token is obtained anew at once; after a second one in a row it is waited for (S6). */
  let isRefreshed = false
  /** What the last attempt was authorized by; `null`: by nothing that scripts see. */
  let authorization: string | null = null
  /** The attempt under way was made for `dropLog()`: what it comes to says when the log starts over. */
  let isDropDue = false
  /** Known once the log is ready. */
  let rhythm: Rhythm | null = null
  const policy = createRetryPolicy(platform.random)
  const needsPreflight = !deps.sameOrigin && options.lastEventId === null
  const position = createPositionKeeper({ log, needsPreflight })
  const errors = createErrorReports({
    platform,
    metrics,
    context: () => ({ state: phase.state, attempt: policy.attempts(), lastEventId: log.lastEventId() }),
    onStatus: deps.onStatus,
    onError: deps.onError,
  })
  /** End with the phase. */
  const timers = new Set<() => void>()
  const after = (ms: number, run: () => void) => void timers.add(platform.after(ms, run))
  const cancelTimers = () => {
    for (const cancel of timers) cancel()
    timers.clear()
  }

  const isPresent = (attempt: Attempt) => 'attempt' in phase && phase.attempt === attempt

  const leave = (event: ConnectionEvent, next: ConnectionState) => {
    cancelTimers()
    if (phase.state === 'unauthorized') phase.watch.close()
    if (next !== 'connecting') credentials.settled(next === 'open')
    if (isDropDue && next !== 'connecting') {
      isDropDue = false
      if (next !== 'open') void log.restart('dropped', '')
    }
    if (!('attempt' in phase) || next === 'open') return
    phase.attempt.abort()
    const now = platform.now()
    if (phase.attempt.isSent() && (event === 'retry' || event === 'hold')) abortedAt = now
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

  /** @param except the authorization with which a page was the answer; `null`: that which was refused is known */
  const watchForLogIn = (except: string | null) =>
    watchCredentials({
      platform,
      credentials,
      // Behind a page, no request goes out for an answer that is known.
      first: except === null ? policy.waitForCredential() : ASK_FIRST,
      except,
      onCredential: (credential) => void enter('retry', { credential }),
    })

  const enter = (event: ConnectionEvent, given: Partial<Given> = {}): boolean => {
    const next = TRANSITIONS[phase.state][event]
    if (next === null) return false
    leave(event, next)
    phase = phaseOf(next, { wait: { until: platform.now(), isTold: false }, credential: null, ...given })
    if (phase.state === 'connecting') begin(phase.attempt, phase.credential)
    schedule()
    deps.onStatus()
    return true
  }

  /** What the phase waits for. */
  const schedule = () => {
    if (!('wait' in phase)) return
    after(phase.wait.until - platform.now(), () => enter('retry'))
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

  /** @param asked the position that the request had, or `''` */
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
    timers.add(watchRenewal({ platform, credentials, credential, onRenewed }).close)
    void log.connected(asked !== '')
    if (lost !== null) return log.restart(lost, '')
    if (resume === 'reset') return log.restart('server', '')
    if (resume === 'unconfirmed' && options.resume === 'strict') return log.restart('unconfirmed', asked)
  }

  const onRenewed = () => {
    policy.uncount()
    enter('retry')
  }

  const take = async (attempt: Attempt, { retry, blocks, tooLarge }: Parsed) => {
    if (retry !== null) policy.setBase(retry)
    if (phase.state === 'open' && blocks.some(({ type }) => type !== null)) phase.isUseful = true
    for (let left = tooLarge; left > 0; left--)
      errors.skipped('too-large', tooLargeMessage(options.maxEventSize))
    const { refused, unavailable } = await deps.ingest.take(blocks, () => isPresent(attempt))
    for (const message of refused) errors.skipped('signature', message)
    // No forgery: the event comes again after the position, which is the one before it.
    if (unavailable !== null && isPresent(attempt))
      backOff({ kind: 'signature', message: unavailable, status: null, cause: null }, null)
  }

  /** What an attempt came to, once it is over. */
  const settle = (outcome: Outcome, asked: string) => {
    const { next, why, retryAfter, isSeldom }: Verdict = judge(outcome, platform.now())
    const proven = phase.state === 'connecting' ? position.failed(outcome) : null
    if (proven !== null) {
      if (wait(0) && proven === 'unsendable') errors.report(UNSENDABLE)
      return
    }
    switch (next) {
      case 'ended':
        return void enter('ended')
      case 'position-lost':
        // A server that refuses even a request without a position would be asked for ever at full speed.
        if (asked === '') return backOff(why, retryAfter)
        position.giveUp()
        return void wait(0)
      case 'unauthorized':
        credentials.refused('headers' in outcome ? outcome.headers : undefined)
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
    if (grace > 0) await pause(platform, grace)
    const [credential] = await Promise.all([given ?? credentials.get(), log.ready])
    if (!isPresent(attempt)) return
    if (!credential.ok) return settleWithout(credential)
    authorization = credential.headers.authorization ?? null
    const asked = position.ask()
    const headers = deps.sendStreamClient ? { 'stream-client': log.streamClient() } : {}
    rhythm ??= createRhythm(log.rhythm())
    after(NO_ANSWER_AFTER, () => errors.report(NO_ANSWER))
    const outcome = await attempt.run(
      { credential, lastEventId: asked, headers, rhythm },
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
    // A fault of the hub's own must not leave it silent while its tabs are told that all is well.
    connect(attempt, given).catch((error: unknown) => {
      if (isPresent(attempt)) backOff(faultOf(error), null)
    })
  }

  const retry = () => {
    // The answer of an attempt under way may come too late for the user who has just logged in.
    if (phase.state === 'connecting' && phase.attempt.isSent()) credentials.refused()
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
      // Without a token nothing shows whether the user has logged in since: the server has to be asked.
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
    errorOf: errors.errorOf,
    hold: () => void enter('hold'),
    release: () => void enter('release'),
    retry,
    drop() {
      position.drop()
      const isWaiting = 'wait' in phase && !phase.wait.isTold
      if (isWaiting) position.giveUp()
      // The reset is best told once a stream stands that has all that comes after it.
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
