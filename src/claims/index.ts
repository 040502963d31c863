import { holdLock } from '../attachment/hold-lock.ts'
import { retryAfter } from '../attachment/retry.ts'
import type { ClaimCore } from '../claim.ts'
import type { ClaimOptions } from '../claim-options.ts'
import { type ClaimsState, type ClaimWord, claimKey, type PageClaim } from '../shared/claims.ts'
import type { LoggedEvent } from '../shared/events.ts'
import { claimsLock } from '../shared/names.ts'
import { type ClaimHandler, runHandler } from './run.ts'
import { settingsOf } from './settings.ts'

/** ms for the hub to have something to say: as long as a timer can run. */
const NO_LIMIT = 2 ** 31 - 1

export interface NewClaim {
  /** `null`: of the events without a topic. */
  topic: string | null
  type: string
  handler: ClaimHandler
  options: ClaimOptions
  /** When `claim()` was called, in ms since 1970. */
  since: number
}

/** The claims of a page on one stream. */
export interface Claims {
  /** @param signal gives the claim up */
  add(claim: NewClaim, signal: AbortSignal): void
}

/** One claim of the page, for all who called `claim()` with the same topic, type and name. */
interface Held extends PageClaim {
  /** The oldest one is called. */
  users: { handler: ClaimHandler; stop: AbortController | null }[]
}

/**
 * The page's side of its claims (C1): it tells its hub where it stands, is told what to do, and tells what came of it. Each
 * call says all, so that a hub that comes later knows as much. Over 80 lines: one list of claims, and all that changes it.
 */
export const createClaims = (core: ClaimCore): Claims => {
  const page = crypto.randomUUID()
  const held = new Map<string, Held>()
  let lock: Promise<() => void> | null = null
  let isLocked = false
  let isAway = false
  let told = 0
  /** Counts the rounds of `talk`: only the newest goes on. */
  let round = 0

  const state = (): ClaimsState => ({
    page,
    told: ++told,
    isLocked,
    claims: Object.fromEntries([...held].map(([key, { users: _, ...claim }]) => [key, claim])),
  })
  const takeLock = async () => {
    const { held: granted, release } = holdLock(claimsLock(await core.key, page))
    isLocked = await granted
    return release
  }
  const letGo = () => {
    lock?.then((release) => release()).catch(() => {})
    lock = null
    isLocked = false
  }

  /** Tells the hub where the page stands, and does what it says, until the page has more to tell. */
  const talk = async () => {
    const mine = ++round
    const isOver = () => mine !== round || isAway || core.ended.aborted
    for (let failures = 0; !isOver(); ) {
      try {
        if (held.size > 0) {
          lock ??= takeLock()
          await lock
        }
        if (isOver()) return
        const words = await core.call('claim()', (hub) => hub.claims(state()), NO_LIMIT)
        if (held.size === 0 && mine === round) return letGo()
        failures = 0
        for (const [key, word] of Object.entries(words)) take(key, word)
      } catch {
        // Without a hub there is nothing to claim. The stream says why there is none.
        await new Promise((resolve) => setTimeout(resolve, retryAfter(failures++)))
      }
    }
  }
  const tell = () => void talk()

  const take = (key: string, word: ClaimWord) => {
    const claim = held.get(key)
    if (claim === undefined) return
    const { step, isOver } = claim
    const isAsked = step.is === 'asks' && step.run === word.run
    if (word.is === 'offer' && step.is !== 'runs' && !isOver) claim.step = { is: 'asks', run: word.run }
    else if (word.is === 'run' && isAsked) return void run(key, claim, word.run, word.event, word.attempt)
    else if (word.is === 'off' && isAsked) claim.step = { is: 'free' }
    else if (word.is === 'off' && isOver && claim.last?.run === word.run) held.delete(key)
    else return
    tell()
  }

  const run = async (key: string, claim: Held, id: string, event: LoggedEvent, attempt: number) => {
    const user = claim.users[0]
    if (user === undefined) return
    claim.step = { is: 'runs', run: id }
    tell()
    user.stop = new AbortController()
    const outcome = await runHandler(core.withPayload, user.handler, event, { ...claim, attempt }, user.stop)
    user.stop = null
    // The page was put away meanwhile, or the claim is another one.
    if (held.get(key) !== claim || claim.step.is !== 'runs' || claim.step.run !== id) return
    claim.step = { is: 'free' }
    claim.last = { run: id, ...outcome }
    tell()
  }

  const each = (change: (claim: Held, key: string) => void) => held.forEach(change)
  const abortAll = () => each(({ users }) => users.forEach(({ stop }) => void stop?.abort()))

  // A page that holds a lock can't be cached. What it runs goes to another tab.
  addEventListener('pagehide', () => {
    isAway = true
    abortAll()
    each((claim) => {
      claim.step = { is: 'free' }
    })
    letGo()
  })
  addEventListener('pageshow', () => {
    if (!isAway) return
    isAway = false
    if (held.size > 0) tell()
  })
  core.ended.addEventListener('abort', () => {
    abortAll()
    held.clear()
    letGo()
  })

  return {
    add({ topic, type, handler, options, since }, signal) {
      if (signal.aborted || core.ended.aborted) return
      const settings = settingsOf(options)
      const key = claimKey(topic, type, options.name ?? null)
      const claim = held.get(key) ?? {
        ...settings,
        topic,
        type,
        since,
        isOver: false,
        step: { is: 'free' },
        last: null,
        users: [],
      }
      const user: Held['users'][number] = { handler, stop: null }
      // A run goes on that began before the claim was given up, and what came meanwhile is not missed.
      if (claim.isOver) Object.assign(claim, settings, { isOver: false })
      claim.users.push(user)
      held.set(key, claim)
      tell()
      signal.addEventListener('abort', () => {
        user.stop?.abort()
        claim.users = claim.users.filter((other) => other !== user)
        if (claim.users.length > 0 || held.get(key) !== claim) return
        if (claim.step.is === 'asks') claim.step = { is: 'free' }
        // The hub is told once more what became of the last run.
        if (claim.step.is === 'runs' || claim.last !== null) claim.isOver = true
        else held.delete(key)
        tell()
      })
    },
  }
}
