import type { LoggedEvent } from './events.ts'

/** How often a claimed event is handled. */
export type ClaimMode = 'at-most-once' | 'at-least-once'

/** One call of a handler, from the word that it may begin until its end is known. */
export interface ClaimRun {
  /** Random. */
  id: string
  /** The random id of the page that runs it (`ClaimsState`). */
  page: string
  /** What the page had told (`ClaimsState.told`) when it asked for the run. */
  told: number
  /** The event. */
  seq: number
  /** Counts the runs of this event, from 1. */
  attempt: number
  mode: ClaimMode
  /** ms */
  timeout: number
  /** How many runs an event has at most. */
  attempts: number
}

/** How far the events of one claim are settled: the account that all tabs and hubs of a browser share. */
export interface ClaimRecord {
  /** `null`: the events that have no topic. */
  topic: string | null
  /** `'*'`: all types. */
  type: string
  /** Of the events up to this seq none is to be handled any more. */
  after: number
  /** The run of which no end is known; `null`: there is none. */
  run: ClaimRun | null
  /** How many runs of the next event have failed. */
  failed: number
  /** Grows with each change: of two records of one claim the higher one is the newer. */
  version: number
  /** When it changed, in ms since 1970. */
  at: number
}

/** The accounts of a log, by `claimKey`. A record is never changed, only replaced: a commit under way holds it. */
export type ClaimRecords = Readonly<Record<string, ClaimRecord>>

/** The key of an account. @param name tells apart several claims of one type; `null`: none was given */
export const claimKey = (topic: string | null, type: string, name: string | null): string =>
  JSON.stringify([topic, type, name])

/** Where a page stands with one of its claims. */
export type ClaimStep =
  | { is: 'free' }
  /** It was offered an event, and asks for the word to begin. It has not begun. */
  | { is: 'asks'; run: string }
  | { is: 'runs'; run: string }

/** What became of a run. */
export interface PastRun {
  run: string
  /** `late`: it took longer than its timeout. */
  outcome: 'done' | 'failed' | 'late'
  /** What the handler rejected with, in words; `null`: it did not. */
  cause: string | null
}

/** A claim of a page. */
export interface PageClaim {
  topic: string | null
  type: string
  mode: ClaimMode
  timeout: number
  attempts: number
  missed: 'skip' | 'handle'
  /** When the page called `claim()`, in ms since 1970. */
  since: number
  /** The page takes no further event: it has given the claim up, and its last run goes on. */
  isOver: boolean
  step: ClaimStep
  /** The last run that has ended; `null`: none has. A hub may die before it has committed what it heard of it. */
  last: PastRun | null
}

/** All claims of a page, by `claimKey`. */
export interface ClaimsState {
  /** The random id of the page, the same at each hub that it comes to. It names the lock of `claimsLock`. */
  page: string
  /** Counts what this page has told. */
  told: number
  /** Whether the page holds the lock of `claimsLock`; `false`: the browser denies it. */
  isLocked: boolean
  claims: Record<string, PageClaim>
}

/** What a page is told of one of its claims. */
export type ClaimWord =
  /** There is an event to handle, if the page asks for it within a second. */
  | { is: 'offer'; run: string }
  /** The handler is to be called: the account says so already. */
  | { is: 'run'; run: string; event: LoggedEvent; attempt: number }
  /** The page may not begin this run any more. */
  | { is: 'off'; run: string }

/** By `claimKey`. */
export type ClaimWords = Record<string, ClaimWord>

/** What the hubs know of a page with claims. */
export interface ClaimPage extends ClaimsState {
  /** Whether the page is in view, and since when; `at` 0: it was never in view. */
  visible: boolean
  at: number
  /** It has not acknowledged a delivery in time. */
  isStalled: boolean
}
