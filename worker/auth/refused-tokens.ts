import type { Platform } from '../base/platform.ts'

/** ms for which a refused token is not sent again. After that, a server that had refused in error gets another try. */
const REFUSED_FOR = 60_000
/** How many tokens are remembered: several tabs may bring different ones by turns. */
const KEPT = 8

/** Which tokens a server has answered 401 to. They are kept in this memory, and nowhere else (A1). */
export interface RefusedTokens {
  add(token: string): void
  /** Whether a server refused this token within the last minute. */
  has(token: string): boolean
  clear(): void
}

export const createRefusedTokens = ({ now }: Pick<Platform, 'now'>): RefusedTokens => {
  const refusedAt = new Map<string, number>()

  return {
    add(token) {
      refusedAt.delete(token)
      refusedAt.set(token, now())
      if (refusedAt.size > KEPT) refusedAt.delete(refusedAt.keys().next().value!)
    },
    has(token) {
      const at = refusedAt.get(token)
      // A clock that was set back makes nobody wait for longer.
      return at !== undefined && Math.abs(now() - at) < REFUSED_FOR
    },
    clear: () => refusedAt.clear(),
  }
}
