import { PREFIX } from '../../src/shared/names.ts'
import type { ConnectionStatus, ErrorData } from '../../src/shared/status.ts'
import { CLOSE_GRACE } from '../base/close-grace.ts'
import { type Channel, type Platform, pause } from '../base/platform.ts'
import type { Appended, Committed, Log } from '../log/log.ts'
import type { LogPoint } from '../log/log-point.ts'
import type { Ask, Relayed, RelayMessage } from './hub-messages.ts'

/** ms between a leader's signs of life, and between a follower's looks at them. */
const BEAT = 1_000
/** ms between two beats that only a freeze explains: timers in workers are at most 1.3 s late. */
const BEAT_LATE = 2 * BEAT
/** ms of silence after which a follower takes the lock from a leader that it has heard before. */
const STEAL_AFTER = 5_000
/**
 * The same for a leader that has never answered this hub, hence at the second look: two unanswered hellos, after
 * the page's own watch of up to 4.5 s, within the 10 s of T2.
 */
const STEAL_UNHEARD_AFTER = 1_900
/** ms between two steals of one hub: a leader that is slow to begin is not robbed in turn. */
const STEAL_PAUSE = 30_000
/** ms after which a follower that says nothing is relayed to no more. It says hello once a beat. */
const FOLLOWER_GONE = 5 * BEAT
/** ms within which a leader answers all that ask at once: else n followers would cost n * n messages. */
const ANSWER_AFTER = 50

export interface LeadershipOptions {
  platform: Platform
  protocol: number
  key: string
  /** ms in which a hub that knows of no log waits for word of one, lest it begin another (see `Welcome.locks`). */
  listenFor: number
  log: Pick<
    Log,
    | 'position'
    | 'first'
    | 'read'
    | 'lead'
    | 'recall'
    | 'lineage'
    | 'abandon'
    | 'follow'
    | 'receive'
    | 'committedBy'
    | 'align'
    | 'flush'
  >
  /** The stream is about to run: what it needs can be fetched while the log is read. */
  prepare(): void
  /** The stream may run, or must end. */
  setStreaming(streaming: boolean): void
  connectionStatus(): ConnectionStatus
  onStatus(): void
  onError(error: ErrorData): void
  onAsk(what: Ask): void
  onSignOut(): void
  /** A hub of a newer protocol is there, and the stream is its own from now on (T4). */
  onSuperseded(by: number): void
}

export type Leadership = ReturnType<typeof createLeadership>

/**
 * Which hub of a key has the stream: the one that holds the key's Web Lock (L1). It relays to the others
 * (L2); a leader that is silent is robbed of the lock, and what it still says or writes is fenced off by its
 * term (L3). Knows nothing of what events mean.
 * Over 200 lines, since who leads and what one says as leader or follower are one state.
 */
export const createLeadership = ({ platform, protocol, key, listenFor, log, ...deps }: LeadershipOptions) => {
  const lockName = `${PREFIX}leader:${key}`
  let wanted = false
  let role: 'leader' | 'follower' = 'follower'
  /** The newest term heard of, or one's own. */
  let term = 0
  /** The lock is asked for, or held. */
  let queued = false
  /** Counts requests for the lock: an answer to an older one says nothing any more. */
  let request = 0
  let release = () => {}
  let cancelRequest = () => {}
  let cancelBeat = () => {}
  let channel: Channel | null = null
  let lastSign = 0
  let heard = false
  /** Of the newest leader that a tab comes from, or that another hub's has told of. */
  let witness: LogPoint | null = null
  /** This leader's next term is to be above that one. */
  let outdone = 0
  /** This hub has the lock and reads the log: no leader yet, but alive. */
  let taking = false
  let claim = 0
  let answering = false
  let superseded = false
  let lastSteal = Number.NEGATIVE_INFINITY
  let lastBeat = 0
  /** Since the lock manager was asked last: beats go on at once after a freeze, before anything is told. */
  let slept = false
  let followerSeen = Number.NEGATIVE_INFINITY
  let leaderStatus: ConnectionStatus | null = null

  const post = (message: RelayMessage) => channel?.post({ ...message, protocol })
  const hasFollowers = () => platform.now() - followerSeen < FOLLOWER_GONE
  const tell = (message: RelayMessage) => {
    if (role === 'leader' && hasFollowers()) post(message)
  }
  const announce = () => {
    if (role !== 'leader') return
    const position = { ...log.position() }
    post({ type: 'lead', term, position, first: log.first(), status: deps.connectionStatus() })
  }
  const answer = () => {
    if (answering) return
    answering = true
    platform.after(ANSWER_AFTER, () => {
      answering = false
      announce()
    })
  }

  const beat = () => {
    cancelBeat()
    const now = platform.now()
    // After a sleep every sign is old; the leader gets a beat to give a new one.
    if (now - lastBeat > 4 * BEAT) lastSign = now
    slept ||= now - lastBeat > BEAT_LATE
    lastBeat = now
    if (role === 'leader') {
      if (hasFollowers()) announce()
    } else if (!taking) {
      post({ type: 'hello' })
      if (now - lastSign > (heard ? STEAL_AFTER : STEAL_UNHEARD_AFTER) && now - lastSteal > STEAL_PAUSE) {
        lastSteal = now
        seek(true)
      }
    }
    cancelBeat = platform.after(BEAT, beat)
  }

  const stepDown = () => {
    if (role === 'follower') return
    role = 'follower'
    deps.setStreaming(false)
    log.follow()
    lastSign = platform.now()
    deps.onStatus()
    post({ type: 'hello' })
  }

  /** By the time that the lock manager has answered, it has also told of a steal. */
  const wake = async () => {
    if (!slept && platform.now() - lastBeat <= BEAT_LATE) return
    await platform.locks.query()
    slept = false
    lastBeat = platform.now()
  }

  /** It keeps the lock, which only its own manager knows of: the other's silence tells when to go on (L4). */
  const giveWay = () => {
    request++
    taking = false
    post({ type: 'hello' })
  }

  const leads = async (): Promise<boolean> => {
    await wake()
    return role === 'leader'
  }

  const known = (): LogPoint => {
    const { term, epoch, head: seq } = log.position()
    if (witness !== null && witness.lineage.term > term) return witness
    return { cursor: { epoch, seq }, lineage: log.lineage() }
  }
  const heed = (told: LogPoint) => {
    if (told.lineage.term > (witness?.lineage.term ?? 0)) witness = told
  }

  const lead = async (mine: number) => {
    const own = await log.lead(Math.max(term, witness?.lineage.term ?? 0))
    if (mine !== request) return log.abandon()
    taking = false
    if (own === null) return log.abandon()
    term = own
    role = 'leader'
    leaderStatus = null
    announce()
    deps.setStreaming(true)
    deps.onStatus()
  }

  /** L3: without IndexedDB it may have counted from too low. It leads anew, above what others know of. */
  const outdo = async () => {
    const { term: seen } = known().lineage
    if (role !== 'leader' || seen <= Math.max(term, outdone)) return
    outdone = seen
    if (await leads()) await lead(request)
  }

  const takeOver = async (mine: number) => {
    await wake()
    if (mine !== request) return
    taking = true
    claim = log.position().term + platform.random()
    post({ type: 'taking', claim })
    deps.prepare()
    // The one before may have died with its stream open: the browser closes that, but tells nobody (S1). Its
    // other tabs come meanwhile, and may know better where to go on.
    const wait = heard || witness !== null ? CLOSE_GRACE : log.position().term > 0 ? 0 : listenFor
    if (wait > 0) await pause(platform, wait)
    if (mine !== request) return
    await lead(mine)
  }

  const seek = (steal: boolean) => {
    queued = true
    taking = false
    cancelRequest()
    const mine = ++request
    const abort = new AbortController()
    cancelRequest = () => abort.abort()
    const held = () =>
      new Promise<void>((resolve) => {
        if (mine !== request) return resolve()
        release = resolve
        void takeOver(mine)
      })
    platform.locks
      .request(lockName, steal ? { steal: true } : { signal: abort.signal }, held)
      .catch(() => {})
      .then(() => {
        // Stolen (L3): this hub was taken for dead. It follows, and queues again.
        if (mine !== request || !wanted) return
        stepDown()
        seek(false)
      })
  }

  /** L2: what lies between is asked for once a gap shows; the answer comes as `events`. */
  const wantMissing = () => {
    const { epoch, head } = log.position()
    post({ type: 'want', epoch, after: head })
  }

  const answerWant = async (after: number) => {
    const { epoch } = log.position()
    for (let from = after; role === 'leader'; ) {
      const events = await log.read(from)
      if (log.position().epoch !== epoch) return
      if (events.length === 0) break
      tell({ type: 'events', term, epoch, after: from, events, lastEventId: log.position().lastEventId })
      from = events.at(-1)!.seq
    }
    // Nothing to give although something was asked for: it is trimmed, and `first` says so. Not at once: the
    // one who asked asks again for what is still missing.
    answer()
  }

  const tellKnown = () => post({ type: 'known', ...known() })

  const hear = async (message: Relayed) => {
    // Without tabs nothing else is heard.
    if (!wanted && message.type !== 'sign-out') return
    if (message.protocol > protocol) {
      if (superseded) return
      superseded = true
      // A last word: the newer one knows that a stream may just have been closed (S1).
      post({ type: 'hello' })
      return deps.onSuperseded(message.protocol)
    }
    if (message.protocol < protocol) {
      // T4: the older one gives way once it hears of this one. Its words are no sign of life: one that does
      // not give way is robbed of the lock, after the time of a leader that was heard.
      heard = true
      return post({ type: 'hello' })
    }
    switch (message.type) {
      case 'taking':
        // A new hub's, which knows less: its locks are those of another manager (see `Welcome.locks`).
        if (role === 'leader' && message.claim <= term) {
          if (await leads()) announce()
          return
        }
        // Robbed while it was frozen, or the other knows as much and is newer.
        stepDown()
        if (taking && message.claim > claim) giveWay()
        else if (message.claim < known().lineage.term) tellKnown()
        lastSign = platform.now()
        heard = true
        return
      case 'known':
        heed(message)
        if (taking) log.recall(message)
        else void outdo()
        return
      case 'hello':
        if (taking) post({ type: 'taking', claim })
        if (role !== 'leader') return
        followerSeen = platform.now()
        return answer()
      case 'want':
        if (role !== 'leader') return
        // It may be heard of first by what it lacks, right after a change of leader.
        followerSeen = platform.now()
        if (message.epoch === log.position().epoch) void answerWant(message.after)
        return
      case 'sign-out':
        return deps.onSignOut()
      case 'ask':
        if (role === 'leader') deps.onAsk(message.what)
        return
    }
    // L3: of a leader that has been replaced.
    if (message.term < term) return
    // There is a newer one. Either the lock has not told yet, and will; or locks don't reach from one to the
    // other (see `Welcome.locks`): asked for again, this one's would be granted at once, and each would take
    // the stream from the other for ever. Its silence tells when it is gone (L4).
    if (message.term > term) stepDown()
    if (taking && message.term > claim) giveWay()
    if (role === 'leader') return
    term = message.term
    lastSign = platform.now()
    heard = true
    switch (message.type) {
      case 'lead':
        leaderStatus = message.status
        deps.onStatus()
        if (message.term < known().lineage.term) return tellKnown()
        if (await log.align(message.position, message.first)) wantMissing()
        return
      case 'events':
        if (!(await log.receive(message, message.lastEventId))) post({ type: 'hello' })
        return
      case 'committed':
        return log.committedBy(message)
      case 'status':
        leaderStatus = message.status
        return deps.onStatus()
      case 'error':
        return deps.onError(message.error)
    }
  }

  /** The stream ends first, then the lock passes on (S1). */
  const letGo = async () => {
    queued = taking = false
    request++
    cancelRequest()
    const free = release
    release = () => {}
    role = 'follower'
    deps.setStreaming(false)
    await log.flush()
    log.follow()
    platform.after(CLOSE_GRACE, free)
  }

  /** No tab is left. */
  const leave = () => {
    wanted = false
    witness = null
    cancelBeat()
    return letGo()
  }

  return {
    role: () => role,
    /** The stream's status as its leader tells it; `null`: none has yet, or this hub leads. */
    leaderStatus: () => leaderStatus,
    /**
     * There is a tab to serve.
     * @param told what it knows of its hub before, which is gone, if that knew of a leader, or was it
     */
    join(told: LogPoint | null) {
      if (told !== null) heed(told)
      void outdo()
      // After it has abdicated: this tab may have a token.
      if (wanted && !queued) seek(false)
      if (wanted) return
      wanted = true
      lastSign = lastBeat = platform.now()
      heard = false
      channel ??= platform.openChannel(key, (message) => void hear(message as Relayed))
      post({ type: 'hello' })
      seek(false)
      cancelBeat = platform.after(BEAT, beat)
    },
    leave,
    /**
     * Without a token the stream would be nobody's for as long as this hub leads, and another's tabs may have
     * one (A2). It asks for the lock again once it has a new tab, or no other takes the lead (L4): where locks do
     * not reach from one to the other, its own would be granted at once.
     */
    async abdicate() {
      if (role !== 'leader' || !hasFollowers()) return
      lastSign = platform.now()
      heard = true
      await letGo()
      deps.onStatus()
    },
    /** For good. One that only left still hears of a sign-out: it may hold events and a token. */
    async close() {
      await leave()
      channel?.close()
    },
    /** Tells the other hubs (A4). */
    signOut: () => post({ type: 'sign-out' }),
    /** Whether no hub has the stream, or waits for it. */
    async isAbandoned(): Promise<boolean> {
      const { held = [], pending = [] } = await platform.locks.query()
      return ![...held, ...pending].some(({ name }) => name === lockName)
    },
    /** Whether this hub still leads: sure even right after it was frozen. */
    leads,
    relayEvents({ after, events }: Appended) {
      const { epoch, lastEventId } = log.position()
      tell({ type: 'events', term, epoch, after, events, lastEventId })
    },
    relayCommitted: (committed: Committed) =>
      tell({ type: 'committed', term, epoch: log.position().epoch, ...committed }),
    relayStatus: (status: ConnectionStatus) => tell({ type: 'status', term, status }),
    relayError: (error: ErrorData) => tell({ type: 'error', term, error }),
    /** @returns whether somebody else is asked */
    ask(what: Ask): boolean {
      if (role === 'leader') return false
      post({ type: 'ask', what })
      return true
    },
    /** A write was refused (L3). */
    fenced() {
      stepDown()
      release()
    },
  }
}
