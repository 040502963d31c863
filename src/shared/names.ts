import type { HubOptions } from './hub-options.ts'

/** The name of every worker, lock and database starts so. The library leaves all others of the origin alone. */
export const PREFIX = 'tabstream:'

/** What `keyOf` puts together if nothing beside user, origin and path chooses the stream. */
const NOTHING_ELSE = '["",{},false,null,null,null]'
/** The bytes of a digest that a key holds. */
const DIGEST = 16

/** A URL as a name may hold it: a query may be private (A1). */
export const withoutQuery = (url: string): string => url.split('?', 1)[0]!

/** The key of a stream if only its user and its URL's origin and path choose the stream. */
export const plainKey = (url: string, user: string | null): string =>
  `${PREFIX}${user === null ? '' : encodeURIComponent(user)}@${withoutQuery(url)}`

/**
 * The key of a stream (A3). It names the worker, the log's database and the locks. Anybody who has the disk or the
 * developer tools sees those names, and a query or a header's value may be private (A1). So the key holds all that
 * chooses the stream beside user, origin and path as a digest. SHA-256 gives away no random value, while values could
 * be tried out against a short hash.
 *
 * `verify` is part of the key: a page of an older deploy may not verify, and must share neither worker nor log with
 * one that does (A5). So are topics: what an older page asks for, a page with topics would take for its own (R7).
 */
export const keyOf = async ({
  url,
  user,
  headers,
  withCredentials,
  auth,
  verify,
  topics,
}: Pick<
  HubOptions,
  'url' | 'user' | 'headers' | 'withCredentials' | 'auth' | 'verify' | 'topics'
>): Promise<string> => {
  const { search } = new URL(url)
  const chosenBy = JSON.stringify([
    search,
    headers,
    withCredentials,
    auth?.exchange,
    verify,
    topics && [topics.param, topics.separator],
  ])
  const plain = plainKey(url, user)
  if (chosenBy === NOTHING_ELSE) return plain
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(chosenBy))
  const hex = Array.from(new Uint8Array(digest, 0, DIGEST), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  return `${plain}#${hex}`
}

/** The lock that the leading hub of a stream holds, and its other hubs wait for (L1). */
export const leaderLock = (key: string): string => `${PREFIX}leader:${key}`

/**
 * The lock that a tab holds for as long as its session lives. Its hub queues for it, to learn of the tab's death
 * (T1).
 */
export const tabLock = (tab: string): string => `${PREFIX}tab:${tab}`

/** The lock that a hub holds for as long as it lives. Its tabs queue for it, to learn of the hub's death (T2). */
export const hubLock = (incarnation: string): string => `${PREFIX}hub:${incarnation}`

/** The lock that decides which tab pings a hub for all tabs that are in view, or for all that are hidden (P11). */
export const watchLock = (incarnation: string, attention: 'in view' | 'hidden'): string =>
  `${PREFIX}watch:${attention}:${incarnation}`

/**
 * The lock that a page holds for as long as it has a claim. A leader learns by it that the page is gone, and a new
 * leader which pages have yet to speak.
 */
export const claimsLock = (key: string, page: string): string => `${PREFIX}claims:${key}:${page}`
