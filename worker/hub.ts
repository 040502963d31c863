import {
  type ErrorData,
  type Hello,
  type HubApi,
  type HubOptions,
  hubLock,
  keyOf,
  PROTOCOL,
  type Status,
  type TokenAnswer,
  tabLock,
  type Welcome,
} from '../src/protocol.ts'
import { createConnection } from './connection.ts'
import { createCredentials } from './credentials.ts'
import { createLeadership } from './leadership.ts'
import { createLog } from './log.ts'
import { deleteLogStore, type LogStore, openLogStore } from './log-store.ts'
import { createMetrics } from './metrics.ts'
import { type Platform, pause, withLimit } from './platform.ts'
import type { Ask } from './relay.ts'
import { createSession, type RemoteTab, type Session } from './session.ts'
import type { CreateVerifier } from './verifier.ts'
import { watchWake } from './wake.ts'

/** ms for a tab to come up with a token: the application may have to refresh it first. */
const TOKEN_LIMIT = 20_000
/** ms for which a hub without tabs keeps the stream. */
const LEAVE_AFTER = 2_000
/** ms without a ping after which a tab is gone whose lock can't tell. Hidden pages send one a minute. */
const SILENT_AFTER = 150_000
/** ms for the first one, which comes with the welcome: there is no other sign that such a tab was not gone before. */
const FIRST_PING = 3_000
/** ms between looks at whether the tabs have caught up. */
const PRESSURE_CHECK = 10

/** ms for a tab to hear that it is signed out; */
const TELL_LIMIT = 1_000
/** for the other hubs to end, which are looked at this often; */
const OTHERS_LIMIT = 3_000
const OTHERS_LOOK = 50
/** and for the database to be deleted. */
const DELETE_LIMIT = 3_000

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
}

/**
 * The object inside a worker that serves tabs. One a worker, hence one key: another user is another worker (A3).
 * Over 200 lines: the one place that wires the parts of a key to its tabs.
 */
export const createHub = ({
  platform,
  host,
  origin,
  openStore = openLogStore,
  deleteStore = deleteLogStore,
  createVerifier = null,
  protocol = PROTOCOL,
}: HubDeps) => {
  const incarnation = platform.uuid()
  const sessions = new Map<string, Session>()
  let metrics = createMetrics()
  type Parts = ReturnType<typeof createParts>
  let parts: Parts | null = null
  let key = ''
  let cancelLeave = () => {}
  /** A sign-out under way: whoever comes meanwhile begins afresh behind it. */
  let ending: Promise<unknown> | null = null
  /** What every tab is told, once there is a hub of a newer protocol (T4). */
  let superseded: ErrorData | null = null
  // For as long as this hub lives: its tabs queue for it (T2).
  platform.locks.request(hubLock(incarnation), () => new Promise(() => {})).catch(() => {})

  /** What needs the options, which the first tab brings. */
  const createParts = (options: HubOptions) => {
    const { url, user, verify } = options
    key = keyOf(url, user, verify)
    const log = createLog({
      platform,
      open: (onLost) => openStore(key, onLost),
      bounds: options.log,
      metrics,
      onChange: (appended) => {
        if (appended !== null) leadership.relayEvents(appended)
        for (const session of sessions.values()) session.pump()
      },
      onCommitted: (committed) => leadership.relayCommitted(committed),
      onTruncate: () => {
        for (const session of sessions.values()) session.truncate()
      },
      onFenced: () => leadership.fenced(),
      onDurable: (cause) => {
        publish()
        if (cause !== null) tellStorageLost(cause)
      },
    })
    /** A live tab is not outrun: what the log trims before a tab that keeps up has it would cost a reset. */
    const room = async () => {
      while ([...sessions.values()].some((session) => session.backlog() > options.log.events / 2))
        await pause(platform, PRESSURE_CHECK)
    }
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
      askTab,
    })
    const connection = createConnection({
      platform,
      options,
      credentials,
      log: {
        ...log,
        async append(blocks) {
          // L3: frozen meanwhile, this hub may have been robbed of the lock without knowing.
          if (!(await leadership.leads())) return 0
          const added = await log.append(blocks)
          await room()
          return added
        },
      },
      sameOrigin: isOurs(options.url),
      sendStreamClient: auth?.exchange != null || isOurs(options.url),
      verifier: verify && createVerifier!({ platform, user, ...verify }),
      metrics,
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
      onSignOut: () => void begin(async () => null),
      onSuperseded(by) {
        superseded = supersede(by)
        tellError(superseded)
        void close()
      },
    })
    const wake = watchWake(platform, connection.wake)
    return { options, log, credentials, connection, leadership, wake }
  }

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
      for (const session of sessions.values()) session.status(now)
    })
  }

  const tellError = (error: ErrorData) => {
    for (const session of sessions.values()) session.error(error)
  }

  const tellStorageLost = (cause: string) => {
    metrics.error('storage')
    if (parts === null) return
    const { state, attempt } = parts.connection.status()
    const message = 'IndexedDB is not available; events are kept in memory until it is back.'
    const lastEventId = parts.log.lastEventId()
    const at = platform.now()
    tellError({
      kind: 'storage',
      message,
      retryable: true,
      state,
      attempt,
      status: null,
      lastEventId,
      at,
      cause,
    })
  }

  /** A2: the tab last looked at first; one that dies in mid-call, or takes too long, is followed by the next. */
  const askTab = async (): Promise<TokenAnswer> => {
    const asked = [...sessions.values()]
      .reverse()
      .map((session) => ({ session, ...session.seen() }))
      .sort((a, b) => Number(b.visible) - Number(a.visible) || b.at - a.at)
    let answer: TokenAnswer = { ok: false, message: 'No tab is there to ask for an access token.' }
    for (const { session } of asked) {
      if (!sessions.has(session.tab)) continue
      answer = await withLimit(platform, session.accessToken(), TOKEN_LIMIT, late).catch(() => ({
        ok: false as const,
        message: `getAccessToken did not answer within ${TOKEN_LIMIT / 1_000} s.`,
      }))
      if (answer.ok) return answer
    }
    return answer
  }

  /** Of whoever has the stream. */
  const request = (what: Ask) => {
    if (parts !== null && !parts.leadership.ask(what)) parts.connection[what]()
  }

  const late = () => new Error('late')

  const refusal = (kind: ErrorData['kind'], message: string): ErrorData => {
    const at = platform.now()
    const state = kind === 'superseded' ? 'superseded' : 'failed'
    const none = { attempt: 0, status: null, lastEventId: '', cause: null }
    return { kind, message, retryable: false, state, at, ...none }
  }
  const supersede = (by: number) =>
    refusal('superseded', `Protocol ${by} is here, the worker's is ${protocol}. Reload the page.`)
  const refuse = (error: ErrorData): Welcome => ({ ok: false, error })

  /** A4, as far as this hub goes: the stream, its token and its log, and the tabs are told. */
  const endHere = async ({ log, credentials, connection, leadership, wake }: Parts) => {
    const told = [...sessions.values()]
    sessions.clear()
    metrics = createMetrics()
    connection.close()
    credentials.close()
    wake.close()
    log.discard()
    for (const session of told) session.close()
    await Promise.all([
      leadership.close(),
      // A tab that is frozen drops by itself what reaches it late (client.ts).
      ...told.map((each) => withLimit(platform, each.signOut(), TELL_LIMIT, late).catch(() => {})),
    ])
  }

  const begin = (then: () => Promise<ErrorData | null>): Promise<ErrorData | null> => {
    const here = parts === null ? ending : endHere(parts)
    parts = null
    const all = Promise.resolve(here)
      .then(then)
      .finally(() => {
        if (ending === all) ending = null
      })
    ending = all
    return all
  }

  /** A4. Bounded: the tab that asks has other things to do. */
  const signOut = (): Promise<ErrorData | null> => {
    const others = parts?.leadership
    others?.signOut()
    return begin(async () => {
      let alone = others === undefined || (await others.isAbandoned())
      for (let waited = 0; !alone && waited < OTHERS_LIMIT; waited += OTHERS_LOOK) {
        await pause(platform, OTHERS_LOOK)
        alone = await others!.isAbandoned()
      }
      const failure = await withLimit(platform, deleteStore(key), DELETE_LIMIT, late).then(
        () => null,
        () =>
          refusal('storage', 'Signed out, but the database is still in use: it goes when it no longer is.'),
      )
      const heard =
        'Signed out here, but another worker of this stream, perhaps a frozen one, did not answer.'
      return alone ? failure : refusal('worker', heard)
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
        await ending
        parts ??= createParts(hello.options)
        const { options, log, leadership } = parts
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
        if (hello.cursor !== null && hello.trail !== null)
          log.recall(hello.cursor, hello.trail, hello.streamClient)
        const from = log.start(hello.from)
        // The hub before knew of no leader, and neither of this log: that tab was never anywhere.
        const isNew = hello.trail?.term === 0 && hello.cursor?.epoch !== log.epoch()
        const placed =
          hello.cursor !== null && !isNew
            ? log.place(hello.cursor, hello.trail)
            : { cursor: from ?? log.start('now')!, reset: from === null ? ('fell-behind' as const) : null }
        const { tab, follow, visible } = hello
        const id = placed.cursor.seq === log.head() ? log.trail().id : null
        const trail = (isNew ? null : hello.trail) ?? { ...log.trail(), id }
        const streamClient = log.streamClient()
        session = createSession({
          platform,
          tab,
          remote,
          log,
          metrics,
          ...placed,
          trail,
          follow,
          visible,
        })
        sessions.set(tab, session)
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
        leadership.join()
        request('welcome')
        publish()
        session.pump()
        const differing = (Object.keys(options) as (keyof HubOptions)[]).filter(
          (name) => JSON.stringify(options[name]) !== JSON.stringify(hello.options[name]),
        )
        return {
          ok: true,
          incarnation,
          cursor: placed.cursor,
          trail,
          streamClient,
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
      signOut,
      inspect() {
        const { log } = parts!
        return {
          protocol,
          incarnation,
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
