import type { HubOptions } from './hub-options.ts'

/** Starts the name of every worker, lock and database, so that an origin's other ones are left alone. */
export const PREFIX = 'tabstream:'

/** What else chooses the stream, where nothing does. */
const NOTHING_ELSE = '["",{},false,null,null]'
/** Of a digest, in bytes. */
const DIGEST = 16

/** A URL as a name may hold it: a query may be private (A1). */
export const withoutQuery = (url: string): string => url.split('?', 1)[0]!

/** The key of a stream that nothing but its user and its URL's origin and path choose. */
export const plainKey = (url: string, user: string | null): string =>
  `${PREFIX}${user === null ? '' : encodeURIComponent(user)}@${withoutQuery(url)}`

/**
 * What a stream belongs to (A3). The key names the worker, the log's database and the locks, which anybody sees who
 * has the disk or the developer tools. So all that chooses the stream beside user, origin and path is in it as
 * a digest: a query or a header's value may be private (A1). A digest by SHA-256 tells nobody a random value; a
 * short hash could be tried out.
 *
 * A stream that is verified shares neither worker nor log with one that is not, as that of an older deploy may be (A5).
 */
export const keyOf = async ({
  url,
  user,
  headers,
  withCredentials,
  auth,
  verify,
}: Pick<HubOptions, 'url' | 'user' | 'headers' | 'withCredentials' | 'auth' | 'verify'>): Promise<string> => {
  const { search } = new URL(url)
  const chosenBy = JSON.stringify([search, headers, withCredentials, auth?.exchange, verify])
  const plain = plainKey(url, user)
  if (chosenBy === NOTHING_ELSE) return plain
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(chosenBy))
  const hex = Array.from(new Uint8Array(digest, 0, DIGEST), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  return `${plain}#${hex}`
}

/** Held by the hub that leads a stream, and waited for by the others of it (L1). */
export const leaderLock = (key: string): string => `${PREFIX}leader:${key}`

/** Held by a tab for as long as its session lives; the hub queues for it to learn of the tab's death (T1). */
export const tabLock = (tab: string): string => `${PREFIX}tab:${tab}`

/** Held by a hub for as long as it lives; each of its tabs queues for it to learn of its death (T2). */
export const hubLock = (incarnation: string): string => `${PREFIX}hub:${incarnation}`
