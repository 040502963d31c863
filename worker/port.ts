import type { HubOptions } from '../src/shared/hub-options.ts'
import type { Inspection, InspectOptions } from '../src/shared/inspection.ts'
import type { Hello, HubApi, Welcome } from '../src/shared/protocol.ts'
import type { ErrorData, Status } from '../src/shared/status.ts'
import type { MetricsRecorder } from './base/metrics.ts'
import type { Platform } from './base/platform.ts'
import type { Timeline } from './base/timeline.ts'
import { inspectClaims } from './claims/inspect-claims.ts'
import type { StreamCommand } from './leadership/hub-messages.ts'
import { inspectLog } from './log/inspect-log.ts'
import { attachTab } from './tabs/attach-tab.ts'
import { type Presence, watchPresence } from './tabs/presence.ts'
import { createSession, type RemoteTab, type Session } from './tabs/session.ts'
import type { Tabs } from './tabs/tabs.ts'
import type { Parts } from './wiring.ts'

/** ms after which a SharedWorker lets go of a port over which no tab has attached: the page may be gone. */
const UNATTACHED_LIMIT = 5_000

/**
 * How many events may be on their way to a tab that acknowledges several batches together: at most a tenth of the log.
 * The tab gets those again from the next hub's log if this hub dies.
 */
const MOST_WAITING = 100

/** The stream that a tab may join, or why it may not. */
export type Entry =
  /** `isLockSeen`: the hub sees the tab's lock (see `Welcome.locks`). */
  { ok: true; parts: Parts; isLockSeen: boolean } | { ok: false; error: ErrorData }

/** What a port needs of its hub. */
export interface PortHub {
  platform: Platform
  protocol: number
  incarnation: string
  /** The key of the present stream, or of the last one. */
  key(): string
  /** Whether the worker serves several pages, and outlives each of them. */
  isShared: boolean
  tabs: Tabs
  /** Metrics and time line, for people. A sign-out replaces them. */
  records(): { metrics: MetricsRecorder; timeline: Timeline }
  /** Lets a tab in, or says why not. No sign-out has ended the parts that it resolves with. */
  enter(hello: Hello): Promise<Entry>
  statusOf(parts: Parts): Status
  /** Tells all tabs the status, soon. */
  publish(): void
  /** A tab has come into view, went out of view, or is gone (H2). */
  viewChanged(): void
  /** Passes a command to the connection of the hub that leads: this one or another. */
  request(what: StreamCommand): void
  signOut(): Promise<ErrorData | null>
  /** The sign-out that is under way; `null`: none is. */
  signOutUnderWay(): Promise<ErrorData | null> | null
  /** A tab has joined. */
  onJoined(): void
  /** A tab is gone. */
  onLeft(): void
}

/** A tab that has attached. */
interface Attached {
  /** As in `Entry`. */
  isLockSeen: boolean
  session: Session
  presence: Presence
  parts: Parts
}

/** The names of the options in which a tab differs from the first tab, whose options hold. */
const differing = (ours: HubOptions, theirs: HubOptions): (keyof HubOptions)[] =>
  (Object.keys(ours) as (keyof HubOptions)[]).filter(
    (name) => JSON.stringify(ours[name]) !== JSON.stringify(theirs[name]),
  )

/** The hub's answer to `inspect()` (I1). */
const inspectHub = async (
  hub: PortHub,
  { session, parts }: Attached,
  what: InspectOptions,
): Promise<Inspection> => ({
  ...(await inspectLog(parts.log, what)),
  timeline: hub.records().timeline.newest(what.timeline ?? 0),
  protocol: hub.protocol,
  incarnation: hub.incarnation,
  tab: session.tab,
  key: hub.key(),
  status: hub.statusOf(parts),
  loads: parts.loads.inspect(),
  sessions: hub.tabs.all().map((each) => each.inspect()),
  claims: inspectClaims(parts.log.claims(), parts.claimants.tabs),
})

/**
 * The hub's end of one port: what the tab at the other end can ask. A page that comes back, or moves to another hub,
 * has another port. Over 80 lines: the list of all calls, which share one thing, the tab that has attached.
 *
 * @param remote the calls to the tab
 * @param release called once the tab is gone: lets go of the port
 */
export const createPort = (hub: PortHub, remote: RemoteTab, release: () => void): HubApi => {
  const { platform, incarnation, tabs, request } = hub
  let attached: Attached | null = null
  let cancelRelease = () => {}

  /** Only a SharedWorker lets go of such a port. A dedicated worker would close itself, though its page may be slow. */
  const releaseUnattached = () => {
    if (hub.isShared) cancelRelease = platform.after(UNATTACHED_LIMIT, release)
  }
  releaseUnattached()

  const end = () => {
    if (attached === null) return
    const { session, presence, parts } = attached
    attached = null
    presence.close()
    release()
    // A worker dies soon after its last tab: its next hub then goes on from here (D2).
    void parts.log.flush()
    leave(session, parts)
  }

  /** Ends the session. Does nothing if the hub has ended it already, by a sign-out (A4) or by `leaveBehind`. */
  const leave = (session: Session, parts: Parts) => {
    if (!tabs.has(session)) return
    session.close()
    parts.claimants.gone(session)
    tabs.remove(session)
    parts.loads.left(session)
    hub.records().timeline.add('tab', 'went', session.tab)
    hub.publish()
    hub.viewChanged()
    hub.onLeft()
  }

  /** Ends a session after a fault of ours. The next ping tells the tab, which then goes on at another hub. */
  const leaveBehind = (session: Session, parts: Parts, fault: unknown) => {
    const message = 'The worker failed to deliver to this tab, which goes on at another one.'
    const why = { kind: 'worker' as const, message, cause: String(fault) }
    session.error(parts.connection.errorOf(why))
    leave(session, parts)
  }

  const join = (hello: Hello, parts: Parts, isLockSeen: boolean) => {
    const { tab, since, follow, urgent, visible } = hello
    const { log, reads, leadership } = parts
    const { metrics, timeline } = hub.records()
    const { former, start, answer } = attachTab(log, hello)
    const session = createSession({
      platform,
      tab,
      remote,
      log,
      reads,
      metrics,
      ...start,
      since,
      follow,
      urgent,
      visible,
      mayWait: parts.options.hidden.every > 0,
      mostWaiting: Math.min(MOST_WAITING, parts.options.log.events / 10),
      onReset: (reason) => timeline.add('reset', reason),
      onFailed: (fault) => leaveBehind(session, parts, fault),
    })
    tabs.add(session)
    timeline.add('tab', 'came', tab)
    attached = { isLockSeen, session, parts, presence: watchPresence(platform, tab, isLockSeen, end) }
    hub.onJoined()
    leadership.join(former)
    parts.wants(session.topics())
    request('welcome')
    if (visible) request('nudge')
    hub.publish()
    session.pump()
    return answer
  }

  /** The tab's session. It never resolves where the tab has none: its next hub is asked again. */
  const present = async (): Promise<Attached> =>
    attached !== null && tabs.has(attached.session) ? attached : new Promise(() => {})

  return {
    async attach(hello): Promise<Welcome> {
      cancelRelease()
      const entry = await hub.enter(hello)
      if (!entry.ok) {
        releaseUnattached()
        return entry
      }
      const { parts, isLockSeen } = entry
      const answer = join(hello, parts, isLockSeen)
      return {
        ok: true,
        incarnation,
        ...answer,
        locks: isLockSeen,
        status: hub.statusOf(parts),
        differing: differing(parts.options, hello.options),
      }
    },
    follow(follow, urgent) {
      if (attached === null) return
      const { session, parts } = attached
      const before = session.topics()
      session.follow(follow, urgent)
      parts.wants(session.topics().filter((name) => !before.includes(name)))
      session.pump()
    },
    visible(visible) {
      attached?.session.setVisible(visible)
      attached?.parts.claimsChanged()
      // A tab that goes out of view gets what has come until then: an urgent event might be among it (H1).
      attached?.session.pump()
      hub.viewChanged()
      if (visible) request('nudge')
      // A page that is about to go is hidden first.
      else void attached?.parts.log.flush()
    },
    ping() {
      attached?.presence.pinged()
      attached?.parts.lookAtClock()
      return { incarnation, attached: attached !== null && tabs.has(attached.session) }
    },
    reconnect: () => request('retry'),
    metrics: () => hub.records().metrics.snapshot(tabs.count()),
    signOut: hub.signOut,
    signedOut: async () => hub.signOutUnderWay(),
    dropLog: () => request('drop'),
    claims: (state) =>
      attached?.parts.claimants.heard(attached.session, state, attached.isLockSeen) ??
      new Promise<never>(() => {}),
    async inspect(what = {}) {
      if (attached === null) throw new Error('This tab has not attached.')
      return inspectHub(hub, attached, what)
    },
    async read(what) {
      const { session } = await present()
      const answer = await session.read(what)
      // A sign-out may have ended the session meanwhile (A4).
      await present()
      return answer
    },
    async place(id, within) {
      const { session, parts } = await present()
      const { ids, log } = parts
      const until = platform.now() + within
      for (;;) {
        const place = await ids.find(id, until - platform.now())
        await present()
        if (place === null) return null
        await session.sent(place)
        const now = log.place()
        // Another leader's log may lack the event, or have it elsewhere.
        if (now.epoch === place.epoch && now.leader === place.leader) return place
      }
    },
    async share(key, need) {
      const { session, parts } = await present()
      return parts.loads.share(session, key, need)
    },
    shared: (load, outcome) => attached?.parts.loads.shared(attached.session, load, outcome),
    unshare: (key) => attached?.parts.loads.unshare(attached.session, key),
    async unwanted(load) {
      const { parts } = await present()
      return parts.loads.unwanted(load)
    },
  }
}
