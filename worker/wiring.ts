import type { HubOptions } from '../src/shared/hub-options.ts'
import type { ErrorData } from '../src/shared/status.ts'
import { createCredentials } from './auth/credentials.ts'
import type { MetricsRecorder } from './base/metrics.ts'
import type { Platform } from './base/platform.ts'
import { watchWake } from './base/watch-sleep.ts'
import { createLeadership } from './leadership/leadership.ts'
import { createLog } from './log/log.ts'
import type { LogStore } from './log/store.ts'
import { createConnection } from './stream/connection.ts'
import { askTab } from './tabs/ask-for-token.ts'
import { createRoom } from './tabs/backpressure.ts'
import { createPace } from './tabs/pacing.ts'
import type { Session } from './tabs/session.ts'
import { createSelections } from './tabs/shared-reads.ts'
import type { CreateVerifier } from './verify/verifier.ts'

export interface PartsOptions {
  platform: Platform
  protocol: number
  /** The origin that the page and this worker share. */
  origin: string
  options: HubOptions
  key: string
  listenFor: number
  openStore(name: string, onLost: () => void): Promise<LogStore>
  createVerifier: CreateVerifier | null
  metrics: MetricsRecorder
  /** The tabs, as they come and go. */
  sessions: ReadonlyMap<string, Session>
  publish(): void
  tellError(error: ErrorData): void
  /** In another hub of the key. */
  onSignOut(): void
  /** A hub of this newer protocol has the stream (T4). */
  onSuperseded(by: number): void
}

export type Parts = ReturnType<typeof wireParts>

/** What a key's stream is made of, wired: it needs the options, which the first tab brings. */
export const wireParts = ({ platform, protocol, origin, options, key, listenFor, ...deps }: PartsOptions) => {
  const { openStore, createVerifier, metrics, sessions } = deps
  const { publish, tellError, onSignOut, onSuperseded } = deps
  const { user, verify } = options
  const log = createLog({
    platform,
    open: (onLost) => openStore(key, onLost),
    bounds: options.log,
    metrics,
    onChange: (appended) => {
      if (appended !== null) leadership.relayEvents(appended)
      pace.arrived(log.head)
    },
    onCommitted: (committed) => leadership.relayCommitted(committed),
    onTruncate: () => {
      for (const session of sessions.values()) session.truncate()
    },
    onFenced: () => leadership.fenced(),
    onDurable: (cause) => {
      publish()
      if (cause === null) return
      metrics.error('storage')
      const message = 'IndexedDB is not available; events are kept in memory until it is back.'
      // By itself, whatever the stream is going through.
      const retryable = true
      tellError({ ...connection.errorOf({ kind: 'storage', message, status: null, cause }), retryable })
    },
  })
  const selections = createSelections(log)
  const pace = createPace({
    platform,
    most: options.coalesce,
    tabs: () => sessions.size,
    deliver() {
      for (const session of sessions.values()) session.pump()
    },
  })
  const room = createRoom({ platform, bounds: options.log, sessions })
  const { auth, withCredentials } = options
  const isOurs = (url: string | null | undefined) => url != null && new URL(url).origin === origin
  const credentials = createCredentials({
    platform,
    auth,
    withCredentials,
    async streamClient() {
      await log.ready
      return isOurs(auth?.exchange) ? log.streamClient() : null
    },
    askTab: () => askTab(platform, sessions, () => void leadership.abdicate()),
  })
  const connection = createConnection({
    platform,
    options,
    credentials,
    log: {
      ...log,
      async append(blocks) {
        let added = 0
        // What waited for room comes in one chunk, which may hold more than the log does.
        for (let from = 0; from < blocks.length; ) {
          // L3: frozen meanwhile, this hub may have been robbed of the lock without knowing.
          if (!(await leadership.leads())) break
          const slice = room.slice(blocks, from)
          from += slice.length
          added += await log.append(slice)
          await room.after(slice, log.head())
        }
        return added
      },
    },
    sameOrigin: isOurs(options.url),
    sendStreamClient: auth?.exchange != null || isOurs(options.url),
    verifier: verify && createVerifier!({ platform, user, ...verify }),
    metrics,
    rest: pace.rest,
    onStatus() {
      leadership.relayStatus(connection.status())
      publish()
    },
    onError(error) {
      leadership.relayError(error)
      tellError(error)
    },
  })
  const leadership = createLeadership({
    platform,
    protocol,
    key,
    listenFor,
    log,
    prepare() {
      // An access token of a tab is not kept: it would be asked for twice.
      if (auth?.exchange != null) void credentials.get()
    },
    setStreaming: (streaming) => (streaming ? connection.release() : connection.hold()),
    connectionStatus: connection.status,
    onStatus: publish,
    onError: tellError,
    onAsk: (what) => connection[what](),
    onSignOut,
    onSuperseded,
  })
  const wake = watchWake(platform, connection.wake)
  return { options, log, selections, credentials, connection, leadership, wake }
}
