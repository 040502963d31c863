import type { ClaimRecord, ClaimRun } from '../../src/shared/claims.ts'

/** How a run has ended. `gone`: its page died over it. `unbegun`: its page has never begun it. */
export type RunEnd = 'done' | 'failed' | 'late' | 'gone' | 'unbegun'

export type Account = Omit<ClaimRecord, 'version' | 'at'>

/** The account once this run may begin. At most once: the event is settled before the handler is called (C2). */
export const begun = (account: Account, run: ClaimRun): Account => ({
  ...account,
  after: run.mode === 'at-most-once' ? run.seq : account.after,
  run,
})

/** What the end of a run makes of its account, and what is to be done next. */
export interface Settled {
  account: Account
  /**
   * - `settled`: the event is over.
   * - `again`: it goes to the next tab, which may be the same one if there is no other.
   * - `given-up`: all of its runs have failed.
   */
  is: 'settled' | 'again' | 'given-up'
}

/** The account after its run (C2, C3, C6). */
export const settle = (account: Account & { run: ClaimRun }, end: RunEnd): Settled => {
  const { run, ...rest } = account
  const settled = { ...rest, after: run.seq, run: null, failed: 0 }
  // Nobody has called the handler, and nobody will: the word to do so was lost with a hub.
  if (end === 'unbegun')
    return { account: { ...rest, after: Math.min(rest.after, run.seq - 1), run: null }, is: 'again' }
  if (end === 'done' || run.mode === 'at-most-once') return { account: settled, is: 'settled' }
  if (run.attempt >= run.attempts) return { account: settled, is: 'given-up' }
  return { account: { ...rest, run: null, failed: run.attempt }, is: 'again' }
}
