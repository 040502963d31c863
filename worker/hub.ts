import type { HubOptions } from '../src/shared/hub-options.ts'
import type { InspectOptions } from '../src/shared/inspection.ts'
import { hubLock, keyOf, tabLock } from '../src/shared/names.ts'
import { type Hello, type HubApi, PROTOCOL, type Welcome } from '../src/shared/protocol.ts'
import type { ErrorData, Status } from '../src/shared/status.ts'
import { createMetrics } from './base/metrics.ts'
import type { Platform } from './base/platform.ts'
import { createTimeline } from './base/timeline.ts'
import type { Ask } from './leadership/hub-messages.ts'
import { readData, readHeads } from './log/inspect-log.ts'
import { deleteLogStore, type LogStore, openLogStore } from './log/store.ts'
import { createSignOut } from './sign-out.ts'
import { placeTab } from './tabs/locate-tab.ts'
import { createSession, type RemoteTab, type Session } from './tabs/session.ts'
import type { CreateVerifier } from './verify/verifier.ts'
import { type Parts, wireParts } from './wiring.ts'

/** ms for which a hub without tabs keeps the stream. */
const LEAVE_AFTER = 2_000
/** ms without a ping after which a tab is gone whose lock can't tell. Hidden pages send one a minute. */
const SILENT_AFTER = 150_000
/** ms for the first one, which comes with the welcome: there is no other sign that such a tab was not gone before. */
const FIRST_PING = 3_000

/** ms: an answer takes a few, and the token is fetched meanwhile. */
const LISTEN_FOR = 100

const NO_VERIFIER =
  '`verify` is set, and this worker cannot: write serve({ verifier: createVerifier }) in your worker file, with ' +
  'createVerifier of "tabstream/verify", and give that file to `worker`.'

export interface HubDeps {
  platform: Platform
  host: Status['host']
  /** The origin that the page and this worker share. */
  origin: string
  openStore?: (name: string, onLost: () => void) => Promise<LogStore>
  deleteStore?: (name: string) => Promise<void>
  createVerifier?: CreateVerifier | null
  protocol?: number
  /** ms, see leadership.ts */
  listenFor?: number
}

/**
 * The object inside a worker that serves tabs. One a worker, hence one key: another user is another worker (A3).
 * Over 200 lines: all that a tab can ask of its hub, and what it answers.
 */
export const createHub = ({
  platform,
  host,
  origin,
  openStore = openLogStore,
  deleteStore = deleteLogStore,
  createVerifier = null,
  protocol = PROTOCOL,
  listenFor = LISTEN_FOR,
}: HubDeps) => {
  const incarnation = platform.uuid()
  const sessions = new Map<string, Session>()
  let metrics = createMetrics()
  let timeline = createTimeline(platform, incarnation)
  let parts: Parts | null = null
  let key = ''
  let cancelLeave = () => {}
  /** What every tab is told, once there is a hub of a newer protocol (T4). */
  let superseded: ErrorData | null = null
  // For as long as this hub lives: its tabs queue for it (T2).
  platform.locks.request(hubLock(incarnation), () => new Promise(() => {})).catch(() => {})

  const status = (): Status => ({
    ...(parts!.leadership.leaderStatus() ?? parts!.connection.status()),
    host,
    role: parts!.leadership.role(),
    durable: parts!.log.isDurable(),
    tabs: sessions.size,
    lastEventId: parts!.log.lastEventId(),
  })

  let publishing = false
  /** Once for all that changes in one turn. */
  const publish = () => {
    if (publishing) return
    publishing = true
    queueMicrotask(() => {
      publishing = false
      if (parts === null) return
      const now = status()
      timeline.status(now)
      for (const session of sessions.values()) session.status(now)
    })
  }

  const tellError = (error: ErrorData) => {
    timeline.add('error', error.kind, error.message)
    for (const session of sessions.values()) session.error(error)
  }

  /** Of whoever has the stream. */
  const request = (what: Ask) => {
    if (parts !== null && !parts.leadership.ask(what)) parts.connection[what]()
  }

  const refusal = (kind: ErrorData['kind'], message: string): ErrorData => {
    const at = platform.now()
    const state = kind === 'superseded' ? 'superseded' : 'failed'
    const none = { attempt: 0, status: null, lastEventId: '', cause: null }
    return { kind, message, retryable: false, state, at, ...none }
  }
  const supersede = (by: number) =>
    refusal('superseded', `Protocol ${by} is here, the worker's is ${protocol}. Reload the page.`)
  const refuse = (error: ErrorData): Welcome => ({ ok: false, error })

  const signOut = createSignOut({
    platform,
    sessions,
    take() {
      const taken = parts
      parts = null
      metrics = createMetrics()
      timeline = createTimeline(platform, incarnation)
      return taken
    },
    deleteStore: () => deleteStore(key),
    refusal,
  })

  const begin = (options: HubOptions): Parts => {
    key = keyOf(options.url, options.user, options.verify)
    return wireParts({
      platform,
      protocol,
      origin,
      options,
      key,
      listenFor,
      openStore,
      createVerifier,
      metrics,
      sessions,
      publish,
      tellError,
      onSignOut: signOut.here,
      onSuperseded(by) {
        superseded = supersede(by)
        tellError(superseded)
        void close()
      },
    })
  }

  /** Ends the stream and commits what is left. */
  const close = async () => {
    await parts?.leadership.close()
    parts?.connection.close()
    await parts?.log.close()
  }

  /**
   * @param remote the calls to the tab at the other end of a port
   * @param release called once the tab is gone: lets go of the port
   * @returns what to expose to the tab
   */
  const accept = (remote: RemoteTab, release: () => void): HubApi => {
    let session: Session | null = null
    let alive = () => {}
    let cancelAlive = () => {}

    const end = () => {
      if (session === null) return
      alive = () => {}
      cancelAlive()
      const { tab } = session
      session.close()
      sessions.delete(tab)
      timeline.add('tab', 'went', tab)
      session = null
      publish()
      release()
      // A reload, or a walk from page to page, is no reason to end the stream of a worker that outlives it.
      if (sessions.size === 0)
        cancelLeave = platform.after(LEAVE_AFTER, () => {
          if (sessions.size === 0) void parts?.leadership.leave()
        })
    }

    return {
      async attach(hello: Hello): Promise<Welcome> {
        if (hello.protocol !== protocol) return refuse(supersede(hello.protocol))
        if (hello.options.verify !== null && createVerifier === null)
          return refuse(refusal('signature', NO_VERIFIER))
        await signOut.underWay()
        parts ??= begin(hello.options)
        const { options, log, selections, leadership } = parts
        const { url, user, verify } = hello.options
        if (keyOf(url, user, verify) !== key)
          return refuse(
            refusal(
              'worker',
              'This worker serves another stream: pass the factory options on, with their name.',
            ),
          )
        const [{ held = [] }] = await Promise.all([platform.locks.query(), log.ready])
        const locks = held.some(({ name }) => name === tabLock(hello.tab))
        if (superseded !== null) return refuse(superseded)
        const { tab, since, follow, visible } = hello
        const { known, answer, ...placed } = placeTab(log, hello)
        session = createSession({
          platform,
          tab,
          remote,
          log,
          selections,
          metrics,
          ...placed,
          since,
          follow,
          visible,
          onReset: (reason) => timeline.add('reset', reason),
        })
        sessions.set(tab, session)
        timeline.add('tab', 'came', tab)
        // Granted only once the tab has let go of it: closed, crashed or navigated away (T1).
        if (locks) platform.locks.request(tabLock(tab), end).catch(() => {})
        else {
          alive = () => {
            cancelAlive()
            cancelAlive = platform.after(SILENT_AFTER, end)
          }
          cancelAlive = platform.after(FIRST_PING, end)
        }
        cancelLeave()
        leadership.join(known)
        request('welcome')
        publish()
        session.pump()
        const differing = (Object.keys(options) as (keyof HubOptions)[]).filter(
          (name) => JSON.stringify(options[name]) !== JSON.stringify(hello.options[name]),
        )
        return {
          ok: true,
          incarnation,
          ...answer,
          locks,
          status: status(),
          differing,
        }
      },
      follow(types) {
        session?.follow(types)
        session?.pump()
      },
      visible(visible) {
        session?.setVisible(visible)
        if (visible) request('nudge')
      },
      ping() {
        alive()
        return { incarnation, attached: session !== null && sessions.has(session.tab) }
      },
      reconnect: () => request('retry'),
      metrics: () => metrics.snapshot(sessions.size),
      signOut: signOut.everywhere,
      dropLog: () => request('drop'),
      async inspect({ timeline: happenings = 0, heads, data }: InspectOptions = {}) {
        const { log } = parts!
        const asked = {
          heads: heads === undefined ? [] : await readHeads(log, heads),
          data: data === undefined ? null : await readData(log, data),
        }
        return {
          ...asked,
          timeline: timeline.newest(happenings),
          protocol,
          incarnation,
          tab: session?.tab ?? '',
          key,
          status: status(),
          sessions: [...sessions.values()].map((each) => each.inspect()),
          log: {
            epoch: log.epoch(),
            first: log.first(),
            head: log.head(),
            committed: log.committed(),
            durable: log.isDurable(),
            lastEventId: log.lastEventId(),
          },
        }
      },
    }
  }

  return { accept, close }
}
