import type { HubOptions } from '../src/shared/hub-options.ts'
import { hubLock, tabLock } from '../src/shared/names.ts'
import { type Hello, type HubApi, PROTOCOL } from '../src/shared/protocol.ts'
import type { ErrorData, Status } from '../src/shared/status.ts'
import { deleteProofKey } from './auth/proof-key.ts'
import { createMetrics } from './base/metrics.ts'
import type { Platform } from './base/platform.ts'
import { createTimeline } from './base/timeline.ts'
import type { StreamCommand } from './leadership/hub-messages.ts'
import { type LogDatabases, type LogStore, logDatabases, openLogStore } from './log/store.ts'
import { createPort, type Entry, type PortHub } from './port.ts'
import { anotherStream, noVerifier, supersededBy } from './refusal.ts'
import { createSignOut } from './sign-out.ts'
import type { RemoteTab } from './tabs/session.ts'
import { createTabs } from './tabs/tabs.ts'
import type { TopicOf } from './topics/topics.ts'
import type { CreateVerifier } from './verify/verifier.ts'
import { type Parts, wireParts } from './wiring.ts'

/** ms for which a hub without tabs keeps the stream, so that it outlives a reload or a walk from page to page. */
const LEAVE_AFTER = 2_000
/**
 * ms for which a hub that knows of no log listens for word of one, from when it begins to open its own. On a machine
 * under load, an answer takes 2 to 5 ms in the median and 8 ms at p90. The log then takes 14 ms to open.
 */
const LISTEN_FOR = 10

export interface HubDeps {
  platform: Platform
  host: Status['host']
  /** The origin that the page and this worker share. */
  origin: string
  openStore?: (name: string, onLost: () => void) => Promise<LogStore>
  databases?: LogDatabases
  createVerifier?: CreateVerifier | null
  topicOf?: TopicOf | null
  protocol?: number
  /** ms, see leadership.ts */
  listenFor?: number
}

/**
 * The object inside a worker that serves tabs. A worker has one, and it has one key at a time: another user is
 * another worker (A3).
 *
 * - `port.ts`: what one tab can ask of the hub.
 * - `wiring.ts`: the stream, its log and its leadership. They begin with the first tab, and end with a sign-out.
 * - `tabs/`: the tabs themselves.
 */
export interface Hub {
  /**
   * @param remote the calls to the tab at the other end of a port
   * @param release called once the tab is gone: lets go of the port
   * @returns what to expose to the tab
   */
  accept(remote: RemoteTab, release: () => void): HubApi
  /** Ends the stream, and commits what is left. */
  close(): Promise<void>
}

/** Over 80 lines: the list of what a hub is made of, each part told of the others. */
export const createHub = ({
  platform,
  host,
  origin,
  openStore = openLogStore,
  databases = logDatabases,
  createVerifier = null,
  topicOf = null,
  protocol = PROTOCOL,
  listenFor = LISTEN_FOR,
}: HubDeps): Hub => {
  const incarnation = platform.uuid()
  const tabs = createTabs()
  const newRecords = () => ({ metrics: createMetrics(), timeline: createTimeline(platform, incarnation) })
  /** Metrics and time line, for people. They start over with a sign-out. */
  let records = newRecords()
  let parts: Parts | null = null
  /** The key of the present parts, or of those that a sign-out has taken. */
  let key = ''
  /** What every tab is told once there is a hub of a newer protocol (T4). */
  let superseded: ErrorData | null = null
  let cancelLeave = () => {}
  let isPublishing = false
  // The hub holds this lock for as long as it lives: its tabs queue for the lock (T2).
  platform.locks.request(hubLock(incarnation), () => new Promise(() => {})).catch(() => {})

  const statusOf = ({ leadership, connection, log }: Parts): Status => {
    const error = leadership.failure()
    return {
      ...(leadership.leaderStatus() ?? connection.status()),
      ...(error === null ? {} : { state: error.state, since: error.at, error }),
      host,
      role: leadership.role(),
      durable: log.isDurable(),
      tabs: tabs.count(),
      lastEventId: log.lastEventId(),
    }
  }

  /** Tells the tabs the status, once for all that changes in one turn. */
  const publish = () => {
    if (isPublishing) return
    isPublishing = true
    queueMicrotask(() => {
      isPublishing = false
      if (parts === null) return
      const status = statusOf(parts)
      records.timeline.status(status)
      tabs.tellStatus(status)
    })
  }

  const tellError = (error: ErrorData) => {
    records.timeline.add('error', error.kind, error.message)
    tabs.tellError(error)
  }

  const request = (command: StreamCommand) => parts?.request(command)

  const begin = (options: HubOptions): Parts => {
    return wireParts({
      platform,
      protocol,
      origin,
      options,
      key,
      hub: incarnation,
      listenFor,
      openStore,
      databases,
      createVerifier,
      topicOf,
      metrics: records.metrics,
      tabs,
      onStatus: publish,
      onError: tellError,
      onSignOut: () => signOut.here(),
      onSuperseded(by) {
        superseded = supersededBy(by, protocol, platform.now())
        tellError(superseded)
        void parts?.close('commit')
      },
    })
  }

  const signOut = createSignOut({
    platform,
    take() {
      const taken = { parts, sessions: tabs.removeAll() }
      parts = null
      records = newRecords()
      return taken
    },
    deleteStore: async () => {
      await Promise.all([databases.delete(key), deleteProofKey(key)])
    },
  })

  const enter = async ({ protocol: theirs, key: asked, options, tab, lineage }: Hello): Promise<Entry> => {
    const now = platform.now()
    if (theirs !== protocol) return { ok: false, error: supersededBy(theirs, protocol, now) }
    if (options.verify !== null && createVerifier === null) return { ok: false, error: noVerifier(now) }
    for (;;) {
      await signOut.underWay()
      if (parts === null) key = asked
      else if (asked !== key) return { ok: false, error: anotherStream(now) }
      parts ??= begin(options)
      const mine = parts
      if (lineage !== null && lineage.term > 0) mine.log.hurry()
      // Where the browser denies Web Locks, the leadership says so (L1).
      const locks = platform.locks.query().catch((): LockManagerSnapshot => ({}))
      const [{ held = [] }] = await Promise.all([locks, mine.log.ready])
      if (superseded !== null) return { ok: false, error: superseded }
      // If the parts are others by now, a sign-out has ended those (A4). This tab then begins anew, after the sign-out.
      if (parts === mine)
        return { ok: true, parts: mine, isLockSeen: held.some(({ name }) => name === tabLock(tab)) }
    }
  }

  const portHub: PortHub = {
    platform,
    protocol,
    incarnation,
    key: () => key,
    isShared: host === 'shared-worker',
    tabs,
    records: () => records,
    enter,
    statusOf,
    publish,
    viewChanged: () => parts?.viewers.look(),
    request,
    signOut: signOut.everywhere,
    signOutUnderWay: signOut.underWay,
    onJoined: () => cancelLeave(),
    onLeft() {
      parts?.wants([])
      if (tabs.count() > 0) return
      cancelLeave = platform.after(LEAVE_AFTER, () => {
        if (tabs.count() === 0) void parts?.leadership.leave()
      })
    },
  }

  return {
    accept: (remote, release) => createPort(portHub, remote, release),
    close: async () => parts?.close('commit'),
  }
}
