import type { Platform } from '../base/platform.ts'

/** ms for which a refused token is not sent again. After that, a server that had refused in error gets another try. */
const REFUSED_FOR = 60_000
/** How many tokens are remembered: several tabs may bring different ones by turns. */
const KEPT = 8

/** A server answered 401 to the token (`refused`), or said that the token is another user's (`anothers`, A3). */
export type Refusal = 'refused' | 'anothers'

/** Which tokens a server has refused. They are kept in this memory, and nowhere else (A1). */
export interface RefusedTokens {
  /** @param ms for how long the token is not sent again */
  add(token: string, why: Refusal, ms?: number): void
  /** Why the token was refused, while it is not to be sent again; `null`: it may be sent. */
  why(token: string): Refusal | null
  clear(): void
}

export const createRefusedTokens = ({ now }: Pick<Platform, 'now'>): RefusedTokens => {
  const refusals = new Map<string, { at: number; ms: number; why: Refusal }>()

  return {
    add(token, why, ms = REFUSED_FOR) {
      refusals.delete(token)
      refusals.set(token, { at: now(), ms, why })
      if (refusals.size > KEPT) refusals.delete(refusals.keys().next().value!)
    },
    why(token) {
      const refusal = refusals.get(token)
      // A clock that was set back makes nobody wait for longer.
      return refusal !== undefined && Math.abs(now() - refusal.at) < refusal.ms ? refusal.why : null
    },
    clear: () => refusals.clear(),
  }
}
