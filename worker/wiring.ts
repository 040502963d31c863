import type { HubOptions } from '../src/shared/hub-options.ts'
import { leaderLock } from '../src/shared/names.ts'
import type { ErrorData } from '../src/shared/status.ts'
import { createCredentials } from './auth/credentials.ts'
import { openProofKey } from './auth/proof-key.ts'
import type { MetricsRecorder } from './base/metrics.ts'
import type { Platform } from './base/platform.ts'
import { watchSleep } from './base/watch-sleep.ts'
import { type Claimants, createClaimants } from './claims/claimants.ts'
import { createDispatcher } from './claims/dispatcher.ts'
import type { StreamCommand } from './leadership/hub-messages.ts'
import { createLeadership, type Leadership } from './leadership/leadership.ts'
import { createLog, type Log } from './log/log.ts'
import { sweepOldLogs } from './log/old-logs.ts'
import type { LogDatabases, LogStore } from './log/store.ts'
import { type Connection, createConnection } from './stream/connection.ts'
import { createIngest } from './stream/ingest.ts'
import { createSignedEventFilter } from './stream/signed-event-filter.ts'
import { createTakenEvents } from './stream/taken-events.ts'
import { askForToken } from './tabs/ask-for-token.ts'
import { type AwaitedIds, createAwaitedIds } from './tabs/awaited-ids.ts'
import { createBackpressure } from './tabs/backpressure.ts'
import { createHiddenPace } from './tabs/hidden-pace.ts'
import { createPacing } from './tabs/pacing.ts'
import { createSharedLoads, type SharedLoads } from './tabs/shared-loads.ts'
import { createSharedReads, type SharedReads } from './tabs/shared-reads.ts'
import type { Tabs } from './tabs/tabs.ts'
import { createViewers, type Viewers } from './tabs/viewers.ts'
import { createTopics, type TopicOf } from './topics/topics.ts'
import type { CreateVerifier } from './verify/verifier.ts'

export interface WiringOptions {
  platform: Platform
  protocol: number
  /** The origin that the page and this worker share. */
  origin: string
  options: HubOptions
  key: string
  /** The random id of this hub. */
  hub: string
  listenFor: number
  openStore(name: string, onLost: () => void): Promise<LogStore>
  databases: LogDatabases
  createVerifier: CreateVerifier | null
  topicOf: TopicOf | null
  metrics: MetricsRecorder
  tabs: Tabs
  onStatus(): void
  onError(error: ErrorData): void
  /** A tab of another hub of this key has signed out. */
  onSignOut(): void
  /** A hub of this newer protocol has the stream (T4). */
  onSuperseded(by: number): void
}

/** What the stream of one key is made of, from the first tab until `close`. */
export interface Parts {
  options: HubOptions
  log: Log
  reads: SharedReads
  ids: AwaitedIds
  loads: SharedLoads
  connection: Connection
  leadership: Leadership
  viewers: Viewers
  claimants: Claimants
  /** A tab with a claim has come into view, went out of view, or said something. */
  claimsChanged(): void
  /** The tabs want other topics than before. @param joined those that a tab did not want before */
  wants(joined: string[]): void
  /** What a tab tells the connection of the hub that leads, this one or another. */
  request(command: StreamCommand): void
  /** A tab has shown that the machine runs: a sleep is noticed now (S5). */
  lookAtClock(): void
  /**
   * Ends all parts for good. The stream has ended by the time that this returns, before the promise settles.
   *
   * @param remains what to do with events that are not committed yet. A sign-out discards them (A4).
   */
  close(remains: 'commit' | 'discard'): Promise<void>
}

/**
 * Makes the parts of a stream, and tells each of them of the others it has to do with. Nothing is decided here. Over 80
 * lines, since it is one list.
 */
export const wireParts = ({
  platform,
  protocol,
  origin,
  options,
  key,
  hub,
  listenFor,
  ...deps
}: WiringOptions): Parts => {
  const { openStore, createVerifier, topicOf, metrics, tabs } = deps
  const { onError, onSignOut, onSuperseded } = deps
  const onStatus = () => {
    loads.look()
    deps.onStatus()
  }
  const { user, verify } = options
  /** Tells an error to the tabs of this hub and of the others. */
  const tellError = (error: ErrorData) => {
    leadership.relayError(error)
    onError(error)
  }
  const log = createLog({
    platform,
    open: (onLost) => openStore(key, onLost),
    bounds: options.log,
    dedupe: options.dedupe,
    metrics,
    hasFollowers: () => leadership.hasFollowers(),
    onChange: (appended) => {
      if (appended !== null) leadership.relayEvents(appended)
      pacing.arrived(log.head)
      dispatcher.look()
      ids.look()
      loads.look()
    },
    onCommitted: (committed) => leadership.relayCommitted(committed),
    onClaims: (claims) => leadership.relayClaims(claims),
    onTruncate: tabs.truncate,
    onFenced: () => leadership.fenced(),
    onDurable: (cause) => {
      onStatus()
      if (cause === null) return
      metrics.error('storage')
      const message = 'IndexedDB is not available; events are kept in memory until it is back.'
      onError(connection.errorOf({ kind: 'storage', message, cause }))
    },
  })
  const ids = createAwaitedIds({ platform, log })
  const loads = createSharedLoads({
    platform,
    log,
    isOpen: () => (leadership.leaderStatus() ?? connection.status()).state === 'open',
  })
  const reads = createSharedReads(log)
  const { every } = options.hidden
  const { deliver, flush } = createHiddenPace({ platform, every, bounds: options.log, log, tabs: tabs.all })
  const pacing = createPacing({ platform, most: options.coalesce, tabs: tabs.count, deliver })
  const backpressure = createBackpressure({ platform, bounds: options.log, tabs: tabs.all, flush })
  const { auth, withCredentials } = options
  const isOurs = (url: string | null | undefined) => url != null && new URL(url).origin === origin
  const credentials = createCredentials({
    platform,
    user,
    auth,
    withCredentials,
    proof: auth?.dpop ? { streamUrl: options.url, openKey: () => openProofKey(key) } : null,
    async streamClient() {
      await log.ready
      return isOurs(auth?.exchange) ? log.streamClient() : null
    },
    askTab: (judge) => askForToken(platform, tabs.all, judge, () => void leadership.abdicate()),
    onUnknownLife(why) {
      metrics.error('auth')
      const message = `The token is renewed only once the server answers 401, since ${why}`
      tellError(connection.errorOf({ kind: 'auth', message }))
    },
  })
  const sendStreamClient = auth?.exchange != null || isOurs(options.url)
  const ofTabs = () => [...new Set(tabs.all().flatMap((session) => session.topics()))]
  const topics =
    options.topics &&
    createTopics({
      platform,
      options,
      topics: options.topics,
      topicOf,
      credentials,
      log,
      metrics,
      sendStreamClient,
      ofTabs,
      leads: () => leadership.leads(),
      reopen() {
        isDue = topics?.mustWait() ?? false
        if (isDue) connection.hold()
        else connection.reopen()
      },
      errorOf: (why) => connection.errorOf(why),
    })
  const types = verify?.types ?? []
  const taken = createTakenEvents({ platform, log, types })
  const ingest = createIngest({
    log: { ...log, ...taken.log },
    filter: createSignedEventFilter({
      verifier: verify && createVerifier!({ platform, user, ...verify }),
      types,
      taken,
      metrics,
    }),
    topics,
    backpressure,
    leads: () => leadership.leads(),
  })
  const connection = createConnection({
    platform,
    options,
    credentials,
    log: { ...log, ...taken.log },
    ingest,
    topics,
    sameOrigin: isOurs(options.url),
    sendStreamClient,
    metrics,
    rest: pacing.rest,
    onStatus() {
      leadership.relayStatus(connection.status())
      onStatus()
      // Nothing more may come before the log starts over: hidden tabs need not wait for what there is.
      if (connection.status().state !== 'open') flush()
      viewers.look()
    },
    onError: tellError,
  })
  /** The stream is to stand once a tab wants a topic (`Topics.mustWait`). */
  let isDue = false
  const takeUp = () => {
    isDue = topics?.mustWait() ?? false
    if (!isDue) connection.release()
  }
  /** Whether a tab of this hub is looked at, or has a claim (H3). */
  const isInView = () => claimants.isAny() || tabs.all().some((tab) => tab.seen().visible)
  const viewers = createViewers({
    platform,
    release: options.hidden.release,
    isInView,
    takeUp,
    letGo() {
      isDue = false
      connection.letGo()
    },
  })
  const claimsChanged = () => {
    // H3: the stream stands for as long as there is a claim.
    viewers.look()
    dispatcher.heard(hub, claimants.pages())
    leadership.tellClaimants()
  }
  const claimants = createClaimants(claimsChanged)
  const dispatcher = createDispatcher({
    platform,
    key,
    hub,
    log,
    leads: () => leadership.leads(),
    tell(to, page, claim, word) {
      if (to === hub) claimants.tell(page, claim, word)
      else leadership.tellClaim(to, page, claim, word)
    },
    onError({ topic, ...why }) {
      metrics.error('claim')
      tellError({ ...connection.errorOf(why), topic })
    },
  })
  const command = (what: StreamCommand) => {
    if (what === 'askAgain') return void topics?.askAgain()
    connection[what]()
    if (what === 'nudge' || what === 'retry') viewers.seen()
  }
  const request = (what: StreamCommand) => {
    if (!leadership.tellLeader(what)) command(what)
  }
  const leadership = createLeadership({
    platform,
    protocol,
    key,
    hub,
    listenFor,
    log,
    wanted: ofTabs,
    prepare: credentials.prepare,
    setStreaming(streaming) {
      if (!streaming) {
        isDue = false
        viewers.stop()
        dispatcher.stop()
        return connection.hold()
      }
      viewers.lead()
      dispatcher.lead()
    },
    connectionStatus: connection.status,
    onStatus,
    onError,
    isInView,
    claimants: claimants.pages,
    onClaimants: dispatcher.heard,
    onClaimWord: claimants.tell,
    onInView: viewers.seen,
    onCommand: command,
    onWants(from, names) {
      topics?.heard(from, names)
      if (isDue) takeUp()
    },
    onSignOut,
    onSuperseded,
    metrics,
    errorOf: (message, cause) => connection.errorOf({ kind: 'worker', message, cause: String(cause) }),
  })
  const wake = watchSleep(platform, connection.wake)
  const sweep = sweepOldLogs({ platform, databases: deps.databases, own: key, lockOf: leaderLock })
  // This hub listens while the log opens.
  leadership.listen()

  return {
    options,
    log,
    reads,
    ids,
    loads,
    connection,
    leadership,
    viewers,
    claimants,
    claimsChanged() {
      if (claimants.isAny()) claimsChanged()
    },
    wants(joined) {
      if (topics === null) return
      topics.changed()
      leadership.tellWants()
      if (isDue) takeUp()
      if (joined.some(topics.isRefusedLong)) request('askAgain')
    },
    request,
    lookAtClock: wake.look,
    async close(remains) {
      if (remains === 'discard') log.discard()
      // Leadership comes first: the other hubs must not hear the status `closed`, since one of them takes over.
      const left = leadership.close()
      topics?.close()
      connection.close()
      credentials.close()
      wake.close()
      sweep.close()
      ids.close()
      loads.close()
      await left
      if (remains === 'commit') await log.close()
    },
  }
}
