import type { HubOptions } from '../../src/shared/hub-options.ts'
import type { ConnectionStatus, ErrorData, Status } from '../../src/shared/status.ts'
import type { Credentials } from '../auth/credentials.ts'
import { CLOSE_GRACE } from '../base/close-grace.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { LONGEST_TIMER, type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { Received } from '../log/received.ts'
import type { Verifier } from '../verify/verifier.ts'
import { BACKOFF_BASE, clampRetry, delay } from './backoff.ts'
import { type ConnectionEvent, type ConnectionState, TRANSITIONS } from './connection-state.ts'
import { watchHeartbeat } from './heartbeat.ts'
import type { Parsed } from './parser.ts'
import { resumption } from './resumption.ts'
import { createVerification } from './signed-events.ts'
import { attempt } from './transport.ts'
import { judge, type Verdict, type Why } from './verdict.ts'

/** ms of health after which the attempt counter starts over (S4). */
const HEALTHY_AFTER = 10_000
/** ms between looks at whether the browser is online again. */
const ONLINE_LOOK = 2_000
/** ms between two errors that tell of refused events (A5). */
const REFUSAL_PAUSE = 1_000
export interface ConnectionOptions {
  platform: Platform
  options: HubOptions
  credentials: Credentials
  log: Pick<Log, 'ready' | 'append' | 'restart' | 'lastEventId' | 'streamClient'>
  /** Whether the stream comes from the page's own origin. */
  sameOrigin: boolean
  /** Whether `Stream-Client` may go along (R6): elsewhere an unknown header fails the preflight. */
  sendStreamClient: boolean
  /** Of the events that must be signed (A5); `null`: none has to be. */
  verifier: Verifier | null
  metrics: MetricsRecorder
  /** Resolves when it is time to read more (P3). */
  rest(): Promise<void>
  onStatus(): void
  onError(error: ErrorData): void
}

export type Connection = ReturnType<typeof createConnection>

/**
 * The life of the stream: when to try, what an end means, how long to wait. Knows nothing of tabs.
 * Over 200 lines, since the state that decides when to try next has no half that stands alone.
 */
export const createConnection = (deps: ConnectionOptions) => {
  const { platform, options, credentials, log, metrics } = deps
  let state: ConnectionState = 'idle'
  let since = platform.now()
  let attempts = 0
  let nextAttemptAt: number | null = null
  let health: Status['health'] = 'good'
  let resume: Status['resume'] = 'fresh'
  let error: ErrorData | null = null
  let retryBase = BACKOFF_BASE
  let openedAt: number | null = null
  let lostAt: number | null = null
  /** When a stream that stood was given up by ourselves. */
  let abortedAt = Number.NEGATIVE_INFINITY
  /** The server named the time of the next attempt. */
  let toldToWait = false
  /** After a first 401 the token is obtained anew; a second one in a row waits for a tab (S6). */
  let refreshed = false
  /** Where an event was too large: a second time at the same position is no accident (B1). */
  let tooLargeAt: string | null = null
  let refusedAt = Number.NEGATIVE_INFINITY
  /** Ends the present attempt. Also its identity: what another one's end says no longer counts. */
  let current: AbortController | null = null
  let heartbeat: ReturnType<typeof watchHeartbeat> | null = null
  const timers = new Set<() => void>()
  const verify = createVerification(deps.verifier, options.verify?.types ?? [])

  const after = (ms: number, run: () => void) => timers.add(platform.after(ms, run))

  const enter = (event: ConnectionEvent): boolean => {
    const next = TRANSITIONS[state][event]
    if (next === null) return false
    for (const cancel of timers) cancel()
    timers.clear()
    if (next !== 'connecting') credentials.settled()
    if (next !== 'open') {
      current?.abort()
      current = null
      if (state === 'open') {
        if (event === 'retry' || event === 'hold') abortedAt = platform.now()
        lostAt = platform.now()
        metrics.closed(lostAt - (openedAt ?? lostAt), lostAt)
      }
    }
    state = next
    since = platform.now()
    nextAttemptAt = null
    health = 'good'
    if (state === 'connecting') void connect()
    if (state === 'offline') lookForNetwork()
    deps.onStatus()
    return true
  }

  /** A worker may find itself online again without having been told (seen with DevTools' offline mode). */
  const lookForNetwork = () =>
    after(ONLINE_LOOK, () => void (platform.isOnline() ? enter('online') : lookForNetwork()))

  const errorOf = (why: Why): ErrorData => {
    const retryable = state === 'waiting' || state === 'offline'
    const lastEventId = log.lastEventId()
    return { ...why, retryable, state, attempt: attempts, lastEventId, at: platform.now() }
  }

  const report = (why: Why) => {
    error = errorOf(why)
    metrics.error(why.kind)
    deps.onStatus()
    deps.onError(error)
  }

  /** Waits: for the network if the browser has none, else `ms`. */
  const wait = (ms: number): boolean => {
    if (!enter(platform.isOnline() ? 'lost' : 'cut-off')) return false
    if (state !== 'waiting') return true
    nextAttemptAt = platform.now() + ms
    after(ms, () => enter('retry'))
    return true
  }

  const backOff = (why: Why, retryAfter: number | null) => {
    toldToWait = retryAfter !== null
    if (wait(delay(Math.max(0, attempts - 1), retryBase, retryAfter, platform.random()))) report(why)
  }

  const stop = (event: 'refused' | 'fatal', why: Why) => {
    if (enter(event)) report(why)
  }

  /** A new token is fetched while the old stream still runs, then the stream is reopened at once (A2). */
  const renew = async (life: AbortController, at: number) => {
    const credential = await credentials.get()
    // Without one the stream is kept for as long as the server lets it live.
    if (current !== life || !credential.ok) return
    // A timer may be a little early by the wall clock: it is still the old one.
    if (credential.renewAt === at) {
      credentials.settled()
      return renewAfter(life, at)
    }
    attempts = Math.max(0, attempts - 1)
    enter('retry')
  }

  const renewAfter = (life: AbortController, at: number) => {
    const ms = at - platform.now()
    if (ms > 0) after(Math.min(ms, LONGEST_TIMER), () => renewAfter(life, at))
    else void renew(life, at)
  }

  const opened = async (
    life: AbortController,
    headers: Headers,
    requestedAfter: string,
    renewAt: number | null,
  ) => {
    const now = platform.now()
    metrics.opened(lostAt === null ? null : now - lostAt)
    resume = resumption(headers, requestedAfter, openedAt !== null)
    openedAt = now
    lostAt = null
    refreshed = false
    error = null
    enter('opened')
    after(HEALTHY_AFTER, () => {
      attempts = 0
      deps.onStatus()
    })
    if (renewAt !== null) renewAfter(life, renewAt)
    if (resume === 'reset') await log.restart('server', '')
    else if (resume === 'unconfirmed' && options.resume === 'strict')
      await log.restart('unconfirmed', requestedAfter)
  }

  /** An event that is not what it says (A5). The stream goes on. */
  const refuse = (message: string) => {
    metrics.error('signature')
    // A forger may send thousands: each is counted, and one a second told.
    if (Math.abs(platform.now() - refusedAt) < REFUSAL_PAUSE) return
    refusedAt = platform.now()
    deps.onError(errorOf({ kind: 'signature', message, status: null, cause: null }))
  }

  const take = async (life: AbortController, parsed: Parsed) => {
    if (parsed.retry !== null) retryBase = clampRetry(parsed.retry)
    const { blocks, refused, unavailable } = await verify(parsed.blocks)
    // The keys may have taken their time.
    if (current !== life) return
    for (const message of refused) refuse(message)
    await append(blocks)
    // No forgery: the event comes again after the position, which is the one before it.
    if (unavailable !== null && current === life)
      backOff({ kind: 'signature', message: unavailable, status: null, cause: null }, null)
  }

  const append = async (blocks: Received[]) => {
    let rest = blocks
    // The event form of `Stream-Resume: reset` (R4): what came before it belongs to the old epoch.
    for (let at = 0; ; ) {
      at = rest.findIndex(({ type }) => type === 'stream.reset')
      if (at === -1) break
      await log.append(rest.slice(0, at))
      await log.restart('server', rest[at]!.id)
      rest = rest.slice(at + 1)
    }
    if (rest.length > 0 && (await log.append(rest)) > 0) tooLargeAt = null
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
        credentials.forget()
        if (refreshed || options.auth === null) return stop('refused', why)
        refreshed = true
        return void wait(0)
      case 'fatal':
        return stop('fatal', why)
      case 'lost': {
        if (why.kind === 'too-large') {
          if (tooLargeAt === log.lastEventId()) return stop('fatal', why)
          tooLargeAt = log.lastEventId()
        }
        return backOff(why, retryAfter)
      }
    }
  }

  const connect = async () => {
    const life = new AbortController()
    current = life
    attempts += 1
    metrics.attempted()
    const grace = abortedAt + CLOSE_GRACE - platform.now()
    if (grace > 0) await pause(platform, grace)
    const [credential] = await Promise.all([credentials.get(), log.ready])
    if (current !== life) return
    if (!credential.ok) {
      const { reason, message, status, retryAfter } = credential
      const why: Why = { kind: reason === 'limited' ? 'limit' : 'auth', message, status, cause: null }
      return reason === 'refused' ? stop('refused', why) : backOff(why, retryAfter)
    }

    /** Ended by silence; `life` by everything else. */
    const link = new AbortController()
    life.signal.addEventListener('abort', () => link.abort())
    const watch = watchHeartbeat(platform, {
      ...options.heartbeat,
      onMiss: (missed) => {
        if (missed > 0) metrics.missedHeartbeat()
        health = missed > 0 ? 'degraded' : 'good'
        deps.onStatus()
      },
      onDead: () => link.abort(),
    })
    heartbeat = watch
    const lastEventId = log.lastEventId()
    const streamClient = deps.sendStreamClient ? { 'stream-client': log.streamClient() } : {}
    const outcome = await attempt({
      url: options.url,
      headers: { ...options.headers, ...credential.headers, ...streamClient },
      credentials: credential.credentials,
      refuseRedirects: options.auth !== null || Object.keys(options.headers).length > 0,
      sameOrigin: deps.sameOrigin,
      lastEventId,
      maxEventSize: options.maxEventSize,
      signal: link.signal,
      fetch: platform.fetch,
      onOpen: (headers) => opened(life, headers, lastEventId, credential.renewAt),
      onBytes: (count) => {
        watch.beat()
        metrics.bytes(count, platform.now())
      },
      async onParsed(parsed, isAll) {
        await take(life, parsed)
        if (isAll) await deps.rest()
      },
    })
    watch.close()
    if (heartbeat === watch) heartbeat = null
    if (current !== life) return
    if (outcome === null) {
      const silence = (options.heartbeat.timeout * options.heartbeat.misses) / 1_000
      const message = `No byte from the server for ${silence} s.`
      return backOff({ kind: 'stale', message, status: null, cause: null }, null)
    }
    await settle(judge(outcome, options.maxEventSize, platform.now()))
  }

  const retry = () => {
    attempts = 0
    refreshed = false
    tooLargeAt = null
    return enter('retry')
  }

  const nudge = () => {
    if (state === 'offline' || (state === 'waiting' && !toldToWait)) enter('retry')
  }

  const stopConnectivity = platform.onConnectivity(() => {
    if (!platform.isOnline()) enter('offline')
    else if (state !== 'waiting' || !toldToWait) enter('online')
  })

  return {
    status: (): ConnectionStatus => ({
      state,
      attempt: attempts,
      nextAttemptAt,
      since,
      health,
      resume,
      error,
    }),
    /** As it stands: for who has something else to report. */
    errorOf,
    /** Another hub leads, or there is no tab: no stream. */
    hold: () => void enter('hold'),
    release: () => void enter('release'),
    /** Somebody asked: try now, as if for the first time. Also reopens a stream that stands. */
    retry,
    /** Somebody asked: the log starts over where the stream is (I2), which goes on. */
    drop: () => void log.restart('dropped'),
    /** A tab was looked at: try now what time would bring anyway, unless the server named the time (S5). */
    nudge,
    /** A tab came, perhaps with a better token: also try what had been given up. */
    welcome() {
      if (state === 'unauthorized' || state === 'failed') retry()
      else nudge()
    },
    /** The machine slept: what stands is looked at, what waits is tried (S5). */
    wake() {
      heartbeat?.check()
      if (state === 'waiting') enter('retry')
    },
    /** For good: aborts what is under way. */
    close() {
      enter('ended')
      stopConnectivity()
    },
  }
}
