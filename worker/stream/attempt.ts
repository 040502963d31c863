import type { HubOptions } from '../../src/shared/hub-options.ts'
import type { Granted } from '../auth/credential.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import { ANSWER_LIMITS, fixedLimits, type Heartbeat, learnedLimits, watchHeartbeat } from './heartbeat.ts'
import type { Parsed } from './parser.ts'
import type { Rhythm } from './rhythm.ts'
import { type Outcome, requestStream, type StreamRequest } from './transport.ts'

export interface AttemptOptions {
  platform: Platform
  options: HubOptions
  metrics: MetricsRecorder
  /** Whether the stream comes from the page's own origin. */
  sameOrigin: boolean
  /** The health of the stream has changed. */
  onHealth(): void
  /** The server has shown another rhythm. @param period ms; `null`: it has none any more (rhythm.ts) */
  onRhythm(period: number | null): void
}

export interface AttemptRequest {
  credential: Granted
  /** The position to resume after; `''`: the request asks for no resumption. */
  lastEventId: string
  /** The topics to ask for; empty: none, as where the stream has no topics. */
  topics: string[]
  /** The hub's own headers, beside the application's. */
  headers: Record<string, string>
  rhythm: Rhythm
}

/** One attempt to have the stream, from the request to the end of the body. */
export interface Attempt {
  /** Whether a byte is overdue (S3). */
  isDegraded(): boolean
  /** Whether the request has gone out, so that the server may know of it. */
  isSent(): boolean
  /** Whether the server, or the line, has ended the request. If not, the server may take it for open after an abort. */
  isOver(): boolean
  /** Looks at the silence now: timers stand still while a machine sleeps. */
  checkHeartbeat(): void
  /** Gives the attempt up. What the server still sends does not count. */
  abort(): void
  /**
   * @returns how the attempt ended; `null`: it was given up
   * @throws what a hook throws
   */
  run(request: AttemptRequest, hooks: Pick<StreamRequest, 'onOpen' | 'onParsed'>): Promise<Outcome | null>
}

/** The URL of the stream that asks for these topics (R7). */
const withTopics = (url: string, names: string[], topics: HubOptions['topics']): string => {
  if (topics === null || names.length === 0) return url
  const asking = new URL(url)
  const values = topics.separator === null ? names : [names.join(topics.separator)]
  for (const value of values) asking.searchParams.append(topics.param, value)
  return asking.href
}

/** Types of events by which servers only say that they are there. */
const PING = /^(ping|heartbeat|keep-?alive)$/i

/** What a chunk says of the server's rhythm; `null`: nothing, since it is a part of a line or an event. */
const signOf = ({ blocks, comments }: Parsed): 'keep-alive' | 'event' | null => {
  if (blocks.some(({ type, tooLarge }) => tooLarge || (type !== null && !PING.test(type)))) return 'event'
  return comments > 0 || blocks.length > 0 ? 'keep-alive' : null
}

/** Over 80 lines: the hooks of one request, which share its heartbeat. */
export const createAttempt = (deps: AttemptOptions): Attempt => {
  const { platform, options, metrics, sameOrigin, onHealth, onRhythm } = deps
  const life = new AbortController()
  let heartbeat: Heartbeat | null = null
  let isDegraded = false
  let isSent = false
  let isOver = false

  return {
    isDegraded: () => isDegraded,
    isSent: () => isSent,
    isOver: () => isOver,
    checkHeartbeat: () => heartbeat?.check(),
    abort: () => life.abort(),
    async run({ credential, lastEventId, topics, headers, rhythm }, hooks) {
      isSent = true
      /** Silence aborts it, and so does `life`. */
      const link = new AbortController()
      life.signal.addEventListener('abort', () => link.abort())
      const fixed = options.heartbeat && fixedLimits(options.heartbeat.timeout, options.heartbeat.misses)
      let hasAnswered = false
      let isReading = true
      let silence = 0
      const watch = watchHeartbeat(platform, {
        limits: fixed ?? ANSWER_LIMITS,
        isReading: () => isReading,
        onMiss(missed) {
          if (missed > 0) metrics.missedHeartbeat()
          isDegraded = missed > 0
          onHealth()
        },
        onDead(ms) {
          silence = ms
          link.abort()
        },
      })
      heartbeat = watch
      const learn = () => {
        if (fixed === null) watch.setLimits(learnedLimits(rhythm.period()))
      }
      try {
        const outcome = await requestStream({
          url: withTopics(options.url, topics, options.topics),
          user: options.user,
          headers: { ...options.headers, ...credential.headers, ...headers },
          credentials: credential.credentials,
          refuseRedirects: options.auth !== null || Object.keys(options.headers).length > 0,
          sameOrigin,
          lastEventId,
          lastEventIdQuery: options.lastEventId?.query ?? null,
          maxEventSize: options.maxEventSize,
          hasTopics: options.topics !== null,
          signal: link.signal,
          fetch: platform.fetch,
          async onOpen(answered) {
            hasAnswered = true
            watch.beat()
            rhythm.opened()
            learn()
            await hooks.onOpen(answered)
          },
          onBytes(count, parsed) {
            const now = platform.now()
            watch.beat()
            metrics.bytes(count, now)
            const sign = signOf(parsed)
            if (sign === null || !rhythm.came(sign, now)) return
            learn()
            onRhythm(rhythm.period())
          },
          async onParsed(parsed, isAll) {
            isReading = false
            await hooks.onParsed(parsed, isAll)
            isReading = true
            watch.beat()
          },
        })
        if (life.signal.aborted) return null
        if (outcome !== null) {
          isOver = outcome.type !== 'anothers'
          return outcome
        }
        if (hasAnswered && fixed === null) {
          rhythm.gaveUp(silence)
          onRhythm(rhythm.period())
        }
        return { type: 'silent', ms: silence, hasAnswered }
      } finally {
        watch.close()
        heartbeat = null
      }
    },
  }
}
