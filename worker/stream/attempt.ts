import type { HubOptions } from '../../src/shared/hub-options.ts'
import type { Granted } from '../auth/credential.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import type { Platform } from '../base/platform.ts'
import { type Heartbeat, watchHeartbeat } from './heartbeat.ts'
import { type Outcome, requestStream, type StreamRequest } from './transport.ts'

export interface AttemptOptions {
  platform: Platform
  options: HubOptions
  metrics: MetricsRecorder
  /** Whether the stream comes from the page's own origin. */
  sameOrigin: boolean
  /** The health of the stream has changed. */
  onHealth(): void
}

/** One attempt to have the stream: from its beginning to the end of the body that it leads to. */
export interface Attempt {
  /** Whether a byte is overdue (S3). */
  isDegraded(): boolean
  /** Looks at the silence now: timers stand still while a machine sleeps. */
  checkHeartbeat(): void
  /** Gives it up. Nothing that it still says counts. */
  abort(): void
  /**
   * @param headers those of the hub's own that go along
   * @returns how it ended; `null`: it was given up
   */
  run(
    credential: Granted,
    lastEventId: string,
    headers: Record<string, string>,
    hooks: Pick<StreamRequest, 'onOpen' | 'onParsed'>,
  ): Promise<Outcome | null>
}

export const createAttempt = ({
  platform,
  options,
  metrics,
  sameOrigin,
  onHealth,
}: AttemptOptions): Attempt => {
  const life = new AbortController()
  let heartbeat: Heartbeat | null = null
  let degraded = false

  return {
    isDegraded: () => degraded,
    checkHeartbeat: () => heartbeat?.check(),
    abort: () => life.abort(),
    async run(credential, lastEventId, headers, hooks) {
      /** Aborted by silence, or together with `life`. */
      const link = new AbortController()
      life.signal.addEventListener('abort', () => link.abort())
      const watch = watchHeartbeat(platform, {
        ...options.heartbeat,
        onMiss(missed) {
          if (missed > 0) metrics.missedHeartbeat()
          degraded = missed > 0
          onHealth()
        },
        onDead: () => link.abort(),
      })
      heartbeat = watch
      const outcome = await requestStream({
        url: options.url,
        user: options.user,
        headers: { ...options.headers, ...credential.headers, ...headers },
        credentials: credential.credentials,
        refuseRedirects: options.auth !== null || Object.keys(options.headers).length > 0,
        sameOrigin,
        lastEventId,
        maxEventSize: options.maxEventSize,
        signal: link.signal,
        fetch: platform.fetch,
        onBytes(count) {
          watch.beat()
          metrics.bytes(count, platform.now())
        },
        ...hooks,
      })
      watch.close()
      heartbeat = null
      if (life.signal.aborted) return null
      return outcome ?? { type: 'silent', ms: options.heartbeat.timeout * options.heartbeat.misses }
    },
  }
}
