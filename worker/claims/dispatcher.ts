import type { ClaimPage, ClaimRun, ClaimWord, PageClaim } from '../../src/shared/claims.ts'
import type { LoggedEvent } from '../../src/shared/events.ts'
import { claimsLock } from '../../src/shared/names.ts'
import type { ErrorData } from '../../src/shared/status.ts'
import { exponential } from '../base/exponential.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Urgency } from '../log/claim-accounts.ts'
import { isClaimed } from '../log/claim-records.ts'
import type { Log } from '../log/log.ts'
import type { KnownPage } from './choice.ts'
import { createRoster } from './roster.ts'
import { type Account, begun, type RunEnd, settle } from './settlement.ts'

/** ms for a page to ask for the event that it was offered: a page that runs answers in some ms, hidden or not. */
const OFFER_LIMIT = 700
/** ms beyond its timeout after which a run counts as `late`, though its page has not said so: the page is blocked. */
const LATE_AFTER = 2_000
/** ms that a new leader waits for the pages that have yet to come to a hub, and so to say which runs go on. */
const GATHER = 1_000
/** ms after which a log that gave nothing to read is read again. */
const READ_AGAIN = 100
/** ms after which an owed event is looked at again for which no page answers. */
const LOOK_AGAIN = 1_000

export interface DispatcherOptions {
  platform: Pick<Platform, 'now' | 'after' | 'uuid' | 'locks'>
  /** Of the stream (A3). */
  key: string
  /** The random id of this hub. */
  hub: string
  log: Pick<Log, 'head' | 'first' | 'read' | 'start' | 'claims' | 'keepClaim'>
  /** Whether this hub still leads, even right after a freeze. */
  leads(): Promise<boolean>
  /** Tells a page of a hub, this one or another, one thing of its claim. */
  tell(hub: string, page: string, key: string, word: ClaimWord): void
  onError(error: Pick<ErrorData, 'kind' | 'message' | 'cause' | 'topic'>): void
}

/** What a leader does with the claims of all tabs of all hubs: one event of each claim at a time, to one tab (C1). */
export interface Dispatcher {
  /** This hub leads from now on. */
  lead(): void
  /** This hub does not lead any more. */
  stop(): void
  /** The log has more, or another epoch. */
  look(): void
  /** A hub tells all of its pages that have claims. */
  heard(hub: string, pages: ClaimPage[]): void
}

/** What the leader does with one account. */
type Phase =
  | { is: 'idle' }
  /** It looks for the next event, or pauses after a failure. */
  | { is: 'busy'; cancel(): void }
  /** The word to begin is committed. */
  | { is: 'beginning'; run: ClaimRun }
  | { is: 'offered'; event: LoggedEvent; run: string; page: string; cancel(): void }
  /** `event`: `null` if a leader before this one has read it. */
  | { is: 'running'; event: LoggedEvent | null; run: ClaimRun; isUnlocked: boolean; cancel(): void }

interface Entry {
  phase: Phase
  /** The pages that have failed with the next event. */
  failed: Set<string>
  /** No page had this claim when it was looked at last. */
  isVacant: boolean
}

const IDLE: Phase = { is: 'idle' }

/** Over 80 lines, in a file over 250: the phases of an account, and every way from one to the next. */
export const createDispatcher = ({
  platform,
  key: streamKey,
  hub: own,
  log,
  leads,
  tell,
  onError,
}: DispatcherOptions): Dispatcher => {
  const roster = createRoster({ platform, own })
  const entries = new Map<string, Entry>()
  let state:
    | { is: 'following' }
    | { is: 'gathering'; missing: Set<string>; cancel(): void }
    | { is: 'leading' } = {
    is: 'following',
  }

  const entryOf = (key: string): Entry => {
    const entry = entries.get(key) ?? { phase: IDLE, failed: new Set<string>(), isVacant: true }
    entries.set(key, entry)
    return entry
  }
  const enter = (entry: Entry, phase: Phase) => {
    if ('cancel' in entry.phase) entry.phase.cancel()
    entry.phase = phase
  }
  /** An account is done with for now, and what comes next is looked for. */
  const rest = (key: string, entry: Entry) => {
    enter(entry, IDLE)
    lookAt(key)
  }
  const say = (page: string, key: string, word: ClaimWord) => {
    const known = roster.page(page)
    if (known !== undefined) tell(known.hub, page, key, word)
  }
  const nameOf = ({ topic, type }: Account) => `"${type}"${topic === null ? '' : ` of the topic "${topic}"`}`
  const complain = (account: Account, message: string, cause: string | null) =>
    onError({ kind: 'claim', message, cause, topic: account.topic })

  /** Changes an account. The caller need not wait: if another hub leads, this one stops. */
  const keep = (key: string, account: Account, urgency: Urgency) => log.keepClaim(key, account, urgency)

  /** The account of a claim that some page has, past what is to be skipped. */
  const accountFor = (key: string, entry: Entry, claims: PageClaim[]): Account => {
    const { topic, type } = claims[0]!
    const since = Math.min(...claims.map((claim) => claim.since))
    const came = log.start('now', since)!.seq
    const found = log.claims()[key]
    const skips = entry.isVacant && claims.every(({ missed }) => missed === 'skip')
    entry.isVacant = false
    const after = found === undefined ? came : skips ? Math.max(found.after, came) : found.after
    if (found?.after === after) return found
    const account = { ...(found ?? { topic, type, run: null, failed: 0 }), after }
    // From here on the browser owes the events of this claim, whatever dies.
    void keep(key, account, found === undefined ? 'soon' : 'later')
    return account
  }

  /** Finds the next event of an account, and offers it. */
  const find = async (key: string, entry: Entry, account: Account) => {
    const phase: Phase = { is: 'busy', cancel() {} }
    enter(entry, phase)
    let { after } = account
    const first = log.first()
    if (first > after + 1) {
      const lost = first - 1 - after
      const message = `Up to ${lost} events of ${nameOf(account)} left the log before a tab had handled them.`
      complain(account, `${message} Raise log.events, or claim in a tab that is there.`, null)
      after = first - 1
    }
    while (entry.phase === phase && after < log.head()) {
      const events = await log.read(after)
      if (entry.phase !== phase) return
      // The log has changed meanwhile, or the disk is slow.
      if (events.length === 0) {
        await pause(platform, READ_AGAIN)
        if (entry.phase === phase) rest(key, entry)
        return
      }
      const event = events.find((each) => isClaimed(account, each))
      after = event === undefined ? events.at(-1)!.seq : event.seq - 1
      if (event === undefined) continue
      if (after > account.after) void keep(key, { ...account, after, failed: 0 }, 'later')
      return offer(key, entry, event)
    }
    if (entry.phase !== phase) return
    enter(entry, IDLE)
    if (after > account.after) void keep(key, { ...account, after, failed: 0 }, 'later')
  }

  const offer = (key: string, entry: Entry, event: LoggedEvent) => {
    const chosen = roster.choose(key, entry.failed)
    if (chosen === undefined)
      return enter(entry, { is: 'busy', cancel: platform.after(LOOK_AGAIN, () => rest(key, entry)) })
    const { hub, page } = chosen
    const run = platform.uuid()
    const cancel = platform.after(OFFER_LIMIT, () => {
      roster.isSilent(page)
      tell(hub, page, key, { is: 'off', run })
      rest(key, entry)
    })
    enter(entry, { is: 'offered', event, run, page, cancel })
    tell(hub, page, key, { is: 'offer', run })
  }

  /** The page that was offered an event asks for it: the account says so before the page hears it. */
  const begin = async (key: string, entry: Entry, event: LoggedEvent, id: string, page: string) => {
    const account = log.claims()[key]
    const known = roster.page(page)
    const claim = known?.claims[key]
    if (account === undefined || known === undefined || claim === undefined) return rest(key, entry)
    const { mode, timeout, attempts } = claim
    const { told } = known
    const run = { id, page, told, seq: event.seq, attempt: account.failed + 1, mode, timeout, attempts }
    const phase: Phase = { is: 'beginning', run }
    enter(entry, phase)
    const isKept = await keep(key, begun(account, run), mode === 'at-most-once' ? 'strict' : 'now')
    const isLeading = isKept && (await leads())
    if (entry.phase !== phase) return
    if (!isLeading) return enter(entry, IDLE)
    watch(key, entry, run, event)
    hear(key)
  }

  /** A run has begun, under this leader or under one before: its end is waited for. */
  const watch = (key: string, entry: Entry, run: ClaimRun, event: LoggedEvent | null) => {
    const stop = new AbortController()
    const ended = (end: RunEnd) => {
      if (!stop.signal.aborted) finish(key, entry, run, end, null)
    }
    const cancelTimer = platform.after(run.timeout + LATE_AFTER, () => {
      roster.isSilent(run.page)
      ended('late')
    })
    // The browser grants the lock once the page is gone (T1).
    platform.locks
      .request(claimsLock(streamKey, run.page), { signal: stop.signal }, () => {
        // A lock that this hub can't see says nothing: there the page is gone once its hub says so.
        if (roster.page(run.page)?.isLocked !== false) return ended('gone')
        if (entry.phase.is === 'running' && entry.phase.run === run) entry.phase.isUnlocked = true
      })
      .catch(() => {})
    enter(entry, {
      is: 'running',
      event,
      run,
      isUnlocked: false,
      cancel() {
        cancelTimer()
        stop.abort()
      },
    })
  }

  const finish = (key: string, entry: Entry, run: ClaimRun, end: RunEnd, cause: string | null) => {
    const account = log.claims()[key]
    if (account === undefined) return rest(key, entry)
    const settled = settle({ ...account, run }, end)
    void keep(
      key,
      settled.account,
      settled.is === 'settled' && run.mode === 'at-most-once' ? 'later' : 'soon',
    )
    if (settled.is !== 'again') entry.failed.clear()
    else if (end !== 'unbegun') entry.failed.add(run.page)
    if (settled.is === 'given-up') {
      const why =
        end === 'failed'
          ? 'the last one rejected'
          : end === 'late'
            ? 'the last one took too long'
            : 'its tab died'
      const runs = `${run.attempt} runs of its handler`
      complain(account, `An event of ${nameOf(account)} was given up after ${runs}: ${why}.`, cause)
    }
    const isOnlyOne = roster.claimants(key).every(({ page }) => entry.failed.has(page.page))
    if (settled.is !== 'again' || end !== 'failed' || !isOnlyOne) return rest(key, entry)
    // What has just failed would most likely fail again at once.
    entry.failed.clear()
    const wait = exponential(run.attempt - 1)
    enter(entry, { is: 'busy', cancel: platform.after(wait, () => rest(key, entry)) })
  }

  /** What a page has said may be what an account waits for. */
  const hear = (key: string) => {
    const entry = entryOf(key)
    const { phase } = entry
    if (phase.is === 'offered') {
      const claim = roster.claim(phase.page, key)
      if (claim === undefined || claim.isOver) rest(key, entry)
      else if (claim.step.is === 'asks' && claim.step.run === phase.run)
        void begin(key, entry, phase.event, phase.run, phase.page)
    } else if (phase.is === 'running') {
      const { run, isUnlocked } = phase
      const known = roster.page(run.page)
      // A page that is at no hub now may be on its way to one. Its lock tells whether it lives.
      if (known === undefined) {
        if (isUnlocked) finish(key, entry, run, 'gone', null)
      } else if (known.told >= run.told) hearOfRun(key, entry, phase, known.claims[key])
    }
  }
  const hearOfRun = (
    key: string,
    entry: Entry,
    { run, event }: Extract<Phase, { is: 'running' }>,
    claim: PageClaim | undefined,
  ) => {
    const { step, last = null } = claim ?? {}
    const isThis = step !== undefined && step.is !== 'free' && step.run === run.id
    if (last?.run === run.id) finish(key, entry, run, last.outcome, last.cause)
    // The word was lost with a hub: the page has neither begun, nor can it any more.
    else if (!isThis || (step.is === 'asks' && event === null)) finish(key, entry, run, 'unbegun', null)
    // The word was lost, or has crossed this message. A page takes it once.
    else if (step.is === 'asks' && event !== null)
      say(run.page, key, { is: 'run', run: run.id, event, attempt: run.attempt })
  }
  /** A page asks for a run that is none any more. */
  const refuse = (key: string, { page, hub, claims }: KnownPage) => {
    const claim = claims[key]
    // A page that has given its claim up waits until its last run is settled.
    const run = claim?.step.is === 'asks' ? claim.step.run : claim?.isOver ? claim.last?.run : undefined
    if (run === undefined) return
    const { phase } = entryOf(key)
    // A later offer says the same.
    if (phase.is === 'offered' && phase.page === page) return
    if ((phase.is === 'beginning' || phase.is === 'running') && phase.run.id === run) return
    tell(hub, page, key, { is: 'off', run })
  }

  const lookAt = (key: string) => {
    const entry = entryOf(key)
    if (state.is !== 'leading' || entry.phase.is !== 'idle') return
    const claims = roster.claimants(key).map(({ claim }) => claim)
    const run = log.claims()[key]?.run ?? null
    if (run !== null) {
      watch(key, entry, run, null)
      return hear(key)
    }
    entry.isVacant ||= claims.length === 0
    if (claims.length === 0) return
    const account = accountFor(key, entry, claims)
    if (account.after < log.head()) void find(key, entry, account)
  }
  const attendTo = (keys: Iterable<string>) => {
    for (const key of keys) {
      hear(key)
      for (const page of roster.pages()) refuse(key, page)
      lookAt(key)
    }
  }

  const gathered = () => {
    if (state.is !== 'gathering') return
    state.cancel()
    state = { is: 'leading' }
    attendTo(roster.keys())
  }
  const gather = async () => {
    const mine = {
      is: 'gathering' as const,
      missing: new Set<string>(),
      cancel: platform.after(GATHER, gathered),
    }
    state = mine
    const prefix = claimsLock(streamKey, '')
    const { held = [] } = await platform.locks.query().catch((): LockManagerSnapshot => ({}))
    if (state !== mine) return
    for (const { name = '' } of held) if (name.startsWith(prefix)) mine.missing.add(name.slice(prefix.length))
    arrived()
  }
  const arrived = () => {
    if (state.is !== 'gathering') return
    for (const page of state.missing) if (roster.page(page) !== undefined) state.missing.delete(page)
    if (state.missing.size === 0) gathered()
  }

  return {
    lead() {
      // A leader that begins another term goes on.
      if (state.is === 'following') void gather()
    },
    stop() {
      if (state.is === 'gathering') state.cancel()
      state = { is: 'following' }
      for (const entry of entries.values()) enter(entry, IDLE)
      entries.clear()
    },
    look() {
      for (const key of roster.keys()) lookAt(key)
    },
    heard(hub, pages) {
      const before = roster.keys()
      roster.heard(hub, pages)
      arrived()
      if (state.is !== 'leading') return
      attendTo(new Set([...before, ...roster.keys()]))
    },
  }
}
