import type { Platform } from '../base/platform.ts'

/** ms for which a refused token is not sent again: the server may have known better only for a moment. */
const REFUSED_FOR = 60_000
/** Tokens that are remembered. Tabs may bring different ones by turns. */
const KEPT = 8

/** Which tokens a server has answered 401 to. They are kept in this memory, and nowhere else (A1). */
export interface RefusedTokens {
  add(token: string): void
  /** Whether it was refused within the last minute. */
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
