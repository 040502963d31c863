import type { FreezeGuard } from './freeze-guard.ts'
import type { HubMessage } from './hub-messages.ts'
import type { LeaderSide } from './leader-side.ts'
import type { LeaderWatch } from './leader-watch.ts'
import type { NewestKnown } from './newest-known.ts'
import type { Transitions } from './transitions.ts'

export interface RankingOptions {
  transitions: Transitions
  known: Pick<NewestKnown, 'term' | 'heardOf' | 'logPoint'>
  watch: Pick<LeaderWatch, 'sign'>
  freeze: Pick<FreezeGuard, 'catchUp'>
  leader: Pick<LeaderSide, 'announce'>
  post(message: HubMessage): void
}

export interface Ranking {
  /** A leader of that term speaks. @returns whether this hub follows it */
  heedLeader(term: number): boolean
  /** A hub claims to lead next. */
  heedClaim(claim: number): Promise<void>
}

/** Who gives way to whom, of hubs that speak of terms and claims (L3, L5): the higher number goes on. */
export const createRanking = ({
  transitions: { state, move },
  known,
  watch,
  freeze,
  leader,
  post,
}: RankingOptions): Ranking => ({
  heedLeader(term) {
    // The one that speaks has been replaced (L3).
    if (term < known.term()) return false
    const now = state()
    const own = now.is === 'leading' ? now.term : now.is === 'claiming' ? now.claim : term
    if (term > own) move('outranked')
    if (state().is === 'leading') return false
    known.heardOf(term)
    watch.sign()
    return true
  },
  async heedClaim(claim) {
    const now = state()
    if (now.is === 'leading' && claim <= now.term) {
      // The claim comes from a new hub, which knows less, and has its lock from another lock manager (L5).
      await freeze.catchUp()
      return leader.announce()
    }
    // Either this hub was robbed while it was frozen, or the other hub knows as much and is newer.
    if (now.is === 'leading' || (now.is === 'claiming' && claim > now.claim)) move('outranked')
    const newest = known.logPoint()
    if (claim < newest.lineage.term) post({ type: 'newer-log', ...newest })
    watch.sign()
  },
})
