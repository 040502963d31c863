import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'

/**
 * Which tokens are void before they expire. An id is that of a token, a session or a user, with a prefix.
 * All instants are milliseconds since 1970. Here on one machine's disk; redis-revocations.ts is shared by nodes.
 */
export interface Revocations {
  /** From `from` on; kept until `until`, by when whatever bears the id has expired. The last call counts. */
  revoke(id: string, from: number, until: number): Promise<void>
  revokedFrom(id: string): Promise<number | undefined>
  /** `token` is now the one of `holder`; the former, if any, is revoked from `from` on. Atomic. */
  succeed(holder: string, token: string, from: number, until: number): Promise<void>
  /**
   * Of a holder whose token may be used once: `token` is used, and `next` takes its place. Atomic. For `grace`
   * milliseconds it may come again, from who never saw the answer, or from a second tab that asked at the same time.
   */
  use(
    holder: string,
    token: string,
    next: string,
    times: { now: number; grace: number; until: number },
  ): Promise<Use>
  /** `token` is the first of a holder whose token may be used once. */
  hold(holder: string, token: string, until: number): Promise<void>
  /**
   * Whether nobody has named this id before. Atomic, over all nodes.
   *
   * @param life milliseconds that the id is remembered
   */
  isFirstUse(id: string, life: number): Promise<boolean>
  close(): Promise<void>
}

/** What has become of a token that may be used once. */
export type Use =
  | { state: 'first' }
  /** It was used a moment ago, and `current` is in its place. */
  | { state: 'again'; current: string }
  /** It was used long ago: somebody has a copy. Or nobody knows of the holder. */
  | { state: 'stale' }

interface Entry {
  /** Of a token, session or user: when it is void from. */
  from?: number
  /** Of a holder: the token. */
  token?: string
  /** Of a holder whose token may be used once: the one before, and until when it may come again. */
  former?: string
  formerUntil?: number
  until: number
}

/** Milliseconds between two sweeps of what has expired. */
const sweepInterval = 60_000

/** On disk, since a restart must not bring a revoked log-in of 30 days back. */
export const openRevocations = (dataDir: string, now: () => number): Revocations => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const entries = open<Entry, string>({ path: join(dataDir, 'revocations.lmdb'), overlappingSync: false })

  const put = (id: string, from: number, until: number) => entries.put(id, { from, until })

  const sweep = () =>
    entries.transaction(() => {
      for (const { key, value } of [...entries.getRange()]) if (value.until <= now()) entries.remove(key)
    })
  const sweeper = setInterval(() => void sweep().catch(() => {}), sweepInterval).unref()

  return {
    async revoke(id, from, until) {
      await put(id, from, until)
    },

    revokedFrom: async (id) => entries.get(id)?.from,

    async succeed(holder, token, from, until) {
      await entries.transaction(() => {
        const former = entries.get(holder)
        if (former?.token !== undefined) put(former.token, from, former.until)
        entries.put(holder, { token, until })
      })
    },

    async hold(holder, token, until) {
      await entries.put(holder, { token, until })
    },

    async use(holder, token, next, { now: at, grace, until }) {
      return entries.transaction((): Use => {
        const entry = entries.get(holder)
        if (entry?.token === token) {
          entries.put(holder, { token: next, former: token, formerUntil: at + grace, until })
          return { state: 'first' }
        }
        const isRecent = entry?.former === token && at < entry.formerUntil!
        return isRecent ? { state: 'again', current: entry.token! } : { state: 'stale' }
      })
    },

    async isFirstUse(id, life) {
      return entries.transaction(() => {
        if (entries.get(id)) return false
        entries.put(id, { until: now() + life })
        return true
      })
    },

    async close() {
      clearInterval(sweeper)
      await entries.close()
    },
  }
}
