import type { Verify } from './hub-options.ts'

/** Starts the name of every worker, lock and database, so that an origin's other ones are left alone. */
export const PREFIX = 'tabstream:'

/**
 * What a stream belongs to (A3). Names the worker, the log's database and the locks. A stream that is verified
 * shares neither worker nor log with one that is not, as that of an older deploy may be (A5).
 */
export const keyOf = (url: string, user: string | null, verify: Verify | null = null): string =>
  `${PREFIX}${user === null ? '' : encodeURIComponent(user)}@${url}${verify === null ? '' : `#${JSON.stringify(verify)}`}`

/** Held by the hub that leads a stream, and waited for by the others of it (L1). */
export const leaderLock = (key: string): string => `${PREFIX}leader:${key}`

/** Held by a tab for as long as its session lives; the hub queues for it to learn of the tab's death (T1). */
export const tabLock = (tab: string): string => `${PREFIX}tab:${tab}`

/** Held by a hub for as long as it lives; each of its tabs queues for it to learn of its death (T2). */
export const hubLock = (incarnation: string): string => `${PREFIX}hub:${incarnation}`
