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
import type { Ingest } from './ingest.ts'
import type { Parsed } from './parser.ts'
import { watchRenewal } from './renewal.ts'
import { resumption } from './resumption.ts'
import { createRetryPolicy } from './retry-policy.ts'
import { judge, type Verdict, type Why } from './verdict.ts'

/** ms of health after which the attempt counter starts over (S4). */
const HEALTHY_AFTER = 10_000
/** ms between looks at whether the browser is online again. */
const ONLINE_LOOK = 2_000
/** ms between two errors that tell of events which are not delivered (A5, B1). */
const SKIPPED_PAUSE = 1_000

const tooLargeMessage = (maxEventSize: number) =>
  `An event is larger than ${maxEventSize} characters, and was skipped: send less, or raise maxEventSize.`

export interface ConnectionOptions {
  platform: Platform
  options: HubOptions
  credentials: Credentials
  log: Pick<Log, 'ready' | 'restart' | 'lastEventId' | 'streamClient'>
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
export interface Connection {
  status(): ConnectionStatus
  /** An error of the state that the stream is in: for who has something else to report. */
  errorOf(why: Why): ErrorData
  /** Another hub leads, or there is no tab: no stream. */
  hold(): void
  /** This hub leads, and has tabs. */
  release(): void
  /** Somebody asked: try now, as if for the first time. Also reopens a stream that stands. */
  retry(): void
  /** Somebody asked: the log starts over where the stream is (I2), which goes on. */
  drop(): void
  /** A tab was looked at: try now what time would bring anyway, unless the server named the time (S5). */
  nudge(): void
  /** A tab came, perhaps with a better token: also try what had been given up. */
  welcome(): void
  /** The machine slept: what stands is looked at, what waits is tried (S5). */
  wake(): void
  /** For good: aborts what is under way. */
  close(): void
}

/** 250 lines in one function, since every one of them reads or changes the one state that it guards. */
export const createConnection = (deps: ConnectionOptions): Connection => {
  const { platform, options, credentials, log, metrics } = deps
  let phase: Phase = { state: 'idle', since: platform.now() }
  let resume: Status['resume'] = 'fresh'
  let error: ErrorData | null = null
  /** When the last stream that opened did, and when it was lost; `null`: none was. */
  let openedAt: number | null = null
  let lostAt: number | null = null
  /** When a stream that stood was given up by ourselves. */
  let abortedAt = Number.NEGATIVE_INFINITY
  /** After a first 401 the token is obtained anew; a second one in a row waits for a tab (S6). */
  let refreshed = false
  /** When an error last told of an event that was not delivered. */
  let skippedAt = Number.NEGATIVE_INFINITY
  const policy = createRetryPolicy(platform.random)
  /** End with the phase. */
  const timers = new Set<() => void>()
  const after = (ms: number, run: () => void) => timers.add(platform.after(ms, run))

  const isPresent = (attempt: Attempt) => 'attempt' in phase && phase.attempt === attempt

  const leave = (event: ConnectionEvent, next: ConnectionState) => {
    for (const cancel of timers) cancel()
    timers.clear()
    if (next !== 'connecting') credentials.settled(next === 'open')
    if (!('attempt' in phase) || next === 'open') return
    phase.attempt.abort()
    if (phase.state !== 'open') return
    lostAt = platform.now()
    if (event === 'retry' || event === 'hold') abortedAt = lostAt
    metrics.closed(lostAt - (openedAt ?? lostAt), lostAt)
  }

  const phaseOf = (state: ConnectionState, wait: Wait): Phase => {
    const since = platform.now()
    if (state === 'open' && 'attempt' in phase) return { state, since, attempt: phase.attempt }
    if (state === 'connecting' || state === 'open') return { state, since, attempt: newAttempt() }
    if (state === 'waiting') return { state, since, wait }
    return { state, since }
  }

  const enter = (event: ConnectionEvent, wait: Wait = { until: platform.now(), isTold: false }): boolean => {
    const next = TRANSITIONS[phase.state][event]
    if (next === null) return false
    leave(event, next)
    phase = phaseOf(next, wait)
    if (phase.state === 'connecting') void connect(phase.attempt)
    if (phase.state === 'waiting') after(phase.wait.until - platform.now(), () => enter('retry'))
    if (phase.state === 'offline') lookForNetwork()
    deps.onStatus()
    return true
  }

  const newAttempt = () =>
    createAttempt({ platform, options, metrics, sameOrigin: deps.sameOrigin, onHealth: deps.onStatus })

  /** A worker may find itself online again without having been told (seen with DevTools' offline mode). */
  const lookForNetwork = () =>
    after(ONLINE_LOOK, () => void (platform.isOnline() ? enter('online') : lookForNetwork()))

  const errorOf = (why: Why): ErrorData => {
    const { state } = phase
    const retryable = !['unauthorized', 'failed', 'closed'].includes(state)
    const lastEventId = log.lastEventId()
    return { ...why, retryable, state, attempt: policy.attempts(), lastEventId, at: platform.now() }
  }

  const report = (why: Why) => {
    error = errorOf(why)
    metrics.error(why.kind)
    deps.onStatus()
    deps.onError(error)
  }

  /** Waits: for the network if the browser has none, else `ms`. */
  const wait = (ms: number, isTold = false): boolean =>
    enter(platform.isOnline() ? 'lost' : 'cut-off', { until: platform.now() + ms, isTold })

  const backOff = (why: Why, retryAfter: number | null) => {
    if (wait(policy.wait(retryAfter), retryAfter !== null)) report(why)
  }

  const stop = (event: 'refused' | 'fatal', why: Why) => {
    if (enter(event)) report(why)
  }

  const opened = async (attempt: Attempt, headers: Headers, requestedAfter: string, credential: Granted) => {
    if (!isPresent(attempt)) return
    const now = platform.now()
    metrics.opened(lostAt === null ? null : now - lostAt)
    resume = resumption(headers, requestedAfter, openedAt !== null)
    openedAt = now
    lostAt = null
    refreshed = false
    error = null
    enter('opened')
    after(HEALTHY_AFTER, () => {
      policy.startOver()
      deps.onStatus()
    })
    timers.add(watchRenewal({ platform, credentials, credential, onRenewed }).close)
    if (resume === 'reset') await log.restart('server', '')
    else if (resume === 'unconfirmed' && options.resume === 'strict')
      await log.restart('unconfirmed', requestedAfter)
  }

  const onRenewed = () => {
    policy.uncount()
    enter('retry')
  }

  /** An event is not delivered (A5, B1). The stream goes on. */
  const skip = (kind: 'signature' | 'too-large', message: string) => {
    metrics.error(kind)
    // A forger may send thousands: each is counted, and one a second told.
    if (Math.abs(platform.now() - skippedAt) < SKIPPED_PAUSE) return
    skippedAt = platform.now()
    deps.onError(errorOf({ kind, message, status: null, cause: null }))
  }

  const take = async (attempt: Attempt, { retry, blocks, tooLarge }: Parsed) => {
    if (retry !== null) policy.setBase(retry)
    for (let left = tooLarge; left > 0; left--) skip('too-large', tooLargeMessage(options.maxEventSize))
    const { refused, unavailable } = await deps.ingest.take(blocks, () => isPresent(attempt))
    for (const message of refused) skip('signature', message)
    // No forgery: the event comes again after the position, which is the one before it.
    if (unavailable !== null && isPresent(attempt))
      backOff({ kind: 'signature', message: unavailable, status: null, cause: null }, null)
  }

  /** What an attempt came to, once it is over. */
  const settle = async ({ next, why, retryAfter }: Verdict) => {
    switch (next) {
      case 'ended':
        return void enter('ended')
      case 'position-lost':
        // A server that refuses even a request without a position would be asked for ever at full speed.
        if (log.lastEventId() === '') return backOff(why, retryAfter)
        await log.restart('position-lost', '')
        return void wait(0)
      case 'unauthorized':
        credentials.refused()
        if (refreshed || options.auth === null) return stop('refused', why)
        refreshed = true
        return void wait(0)
      case 'fatal':
        return stop('fatal', why)
      case 'lost':
        return backOff(why, retryAfter)
    }
  }

  const settleWithout = ({ reason, message, status, retryAfter }: Denied) => {
    const why: Why = { kind: reason === 'limited' ? 'limit' : 'auth', message, status, cause: null }
    if (reason === 'refused') stop('refused', why)
    else backOff(why, retryAfter)
  }

  const connect = async (attempt: Attempt) => {
    policy.begin()
    metrics.attempted()
    const grace = abortedAt + CLOSE_GRACE - platform.now()
    if (grace > 0) await pause(platform, grace)
    const [credential] = await Promise.all([credentials.get(), log.ready])
    if (!isPresent(attempt)) return
    if (!credential.ok) return settleWithout(credential)
    const lastEventId = log.lastEventId()
    const streamClient = deps.sendStreamClient ? { 'stream-client': log.streamClient() } : {}
    const outcome = await attempt.run(credential, lastEventId, streamClient, {
      onOpen: (headers) => opened(attempt, headers, lastEventId, credential),
      async onParsed(parsed, isAll) {
        await take(attempt, parsed)
        if (isAll) await deps.rest()
      },
    })
    if (outcome !== null && isPresent(attempt)) await settle(judge(outcome, platform.now()))
  }

  const retry = () => {
    policy.startOver()
    refreshed = false
    enter('retry')
  }

  const nudge = () => {
    if (phase.state === 'offline' || (phase.state === 'waiting' && !phase.wait.isTold)) enter('retry')
  }

  const stopConnectivity = platform.onConnectivity(() => {
    if (!platform.isOnline()) enter('offline')
    else if (phase.state !== 'waiting' || !phase.wait.isTold) enter('online')
  })

  return {
    status: () => ({
      state: phase.state,
      attempt: policy.attempts(),
      nextAttemptAt: phase.state === 'waiting' ? phase.wait.until : null,
      since: phase.since,
      health: 'attempt' in phase && phase.attempt.isDegraded() ? 'degraded' : 'good',
      resume,
      error,
    }),
    errorOf,
    hold: () => void enter('hold'),
    release: () => void enter('release'),
    retry() {
      credentials.forgive()
      retry()
    },
    drop: () => void log.restart('dropped'),
    nudge,
    welcome() {
      if (phase.state === 'unauthorized' || phase.state === 'failed') retry()
      else nudge()
    },
    wake() {
      if ('attempt' in phase) phase.attempt.checkHeartbeat()
      if (phase.state === 'waiting') enter('retry')
    },
    close() {
      enter('ended')
      stopConnectivity()
    },
  }
}
