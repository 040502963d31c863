import type { ClaimRecord, ClaimRecords } from '../../src/shared/claims.ts'
import { newerClaims } from './claim-records.ts'
import type { LogCore } from './log-core.ts'
import type { Of } from './replica.ts'

/** How many accounts a log keeps. The one that was used longest ago goes. */
const MOST_ACCOUNTS = 100

/**
 * When a change of an account is committed.
 *
 * - `later`: with the next commit.
 * - `soon`: at once, and nobody waits.
 * - `now`: the caller waits for the commit.
 * - `strict`: the caller waits until the disk has it.
 */
export type Urgency = 'later' | 'soon' | 'now' | 'strict'

/** The accounts of the claims, beside the events that they count (C2, C3). */
export interface ClaimAccounts {
  claims(): ClaimRecords
  /**
   * As leader. @returns whether the change stands: committed, if `urgency` says so and there is an IndexedDB. `false`:
   * another hub leads.
   */
  keepClaim(key: string, record: Omit<ClaimRecord, 'version' | 'at'>, urgency: Urgency): Promise<boolean>
  /** The leader has changed accounts. */
  heedClaims(claims: ClaimRecords, of: Of): Promise<void>
}

export const createClaimAccounts = (
  { platform, ledger, persistence, inTurn }: LogCore,
  onKept: (claims: ClaimRecords) => void,
): ClaimAccounts => ({
  claims: () => ledger.position.claims ?? {},
  async keepClaim(key, change, urgency) {
    if (!ledger.isLeading) return false
    // No turn is waited for: whoever looks next must find the change, and each turn reads the accounts as they are.
    const { claims = {} } = ledger.position
    const version = (claims[key]?.version ?? 0) + 1
    const record = { ...change, version, at: platform.now() }
    const others = Object.entries(claims).filter(([each]) => each !== key)
    const kept = others.sort(([, a], [, b]) => b.at - a.at).slice(0, MOST_ACCOUNTS - 1)
    ledger.position.claims = { ...Object.fromEntries(kept), [key]: record }
    const pending = ledger.touch()
    if (urgency === 'strict') pending.isStrict = true
    // C7: without IndexedDB the other hubs are the only ones that know.
    onKept({ [key]: record })
    if (urgency === 'soon') void persistence.commitNow()
    else if (urgency !== 'later') await persistence.commitNow()
    return ledger.isLeading
  },
  heedClaims: (claims, { term, epoch }) =>
    inTurn(async () => {
      const { position } = ledger
      if (ledger.isLeading || epoch !== position.epoch || term !== ledger.alignedTerm) return
      position.claims = newerClaims(position.claims, claims)
    }),
})
