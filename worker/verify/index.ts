import {
  type CompactJWSHeaderParameters,
  compactVerify,
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
} from 'jose'
import type { Checked, CreateVerifier, SignedEvent } from './verifier.ts'

/** All that a header may have. `jwk`, `jku`, `x5c` and `x5u` would bring keys along, and `crit` is not understood. */
const HEADER = ['alg', 'kid', 'typ']
const TYP = 'tabstream-event+jwt'
const ALGORITHMS = ['EdDSA', 'ES256']
/** ms after which the keys are fetched again, so that a withdrawn key is not trusted for longer. */
const MAX_AGE = 600_000
/** ms between two fetches for keys that the set lacks: a forger who makes up names of keys must not cause more. */
const MISS_PAUSE = 30_000
/** ms for the key set's server to answer. */
const FETCH_LIMIT = 5_000
/** ms by which an event may seem to come from the future: clocks differ. */
const TOLERANCE = 60_000

/** The event is not what the application's server signed. */
class Forged extends Error {}
/** The keys can't be fetched, so that nobody can judge the event. */
class Unavailable extends Error {}

const demand = (holds: boolean, reason: string) => {
  if (!holds) throw new Forged(reason)
}

/**
 * Checks signed events: a compact JWS by a key of the application's key set, over audience, user, id, type,
 * time of issue and data. Handed to the worker, and nowhere else:
 *
 * ```ts
 * import { createVerifier } from 'tabstream/verify'
 * import { serve } from 'tabstream/worker'
 * serve({ verifier: createVerifier })
 * ```
 *
 * The keys are fetched here, and not by jose's createRemoteJWKSet. Its pause between fetches begins with the first
 * fetch: for 30 s from then on, an event by a newer key would count as forged.
 */
export const createVerifier: CreateVerifier = ({ platform, jwks, audience, user }) => {
  // Over 80 lines: to find a key, to fetch the key set and to judge an event share the set and its age.
  let keys: ReturnType<typeof createLocalJWKSet> | null = null
  let fetchedAt = 0
  let missedAt = Number.NEGATIVE_INFINITY
  /** ms by which the server's clock was ahead of this device's clock, which may be hours off. */
  let ahead = 0
  let underWay: Promise<void> | null = null

  const fetchKeys = async () => {
    const limit = new AbortController()
    const cancel = platform.after(FETCH_LIMIT, () => limit.abort())
    try {
      const response = await platform.fetch(jwks, {
        credentials: 'omit',
        // The HTTP cache may hold a set without the newest key.
        cache: 'no-cache',
        redirect: 'error',
        signal: limit.signal,
      })
      if (!response.ok) throw new Error(String(response.status))
      keys = createLocalJWKSet((await response.json()) as JSONWebKeySet)
      fetchedAt = platform.now()
      ahead = Math.max(0, Date.parse(response.headers.get('date') ?? '') - fetchedAt) || 0
    } finally {
      cancel()
    }
  }
  const reload = () => {
    underWay ??= fetchKeys()
      .catch(() => {
        throw new Unavailable()
      })
      .finally(() => {
        underWay = null
      })
    return underWay
  }

  const keyOf = async (header: CompactJWSHeaderParameters) => {
    if (keys === null || Math.abs(platform.now() - fetchedAt) > MAX_AGE) await reload()
    try {
      return await keys!(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      demand(Math.abs(platform.now() - missedAt) > MISS_PAUSE, 'its key is not in the key set')
      missedAt = platform.now()
      await reload()
      return await keys!(header)
    }
  }

  /** @returns what was signed, as JSON */
  const open = async ({ id, type, data, topic }: SignedEvent): Promise<string> => {
    const header = decodeProtectedHeader(data)
    demand(header.typ === TYP, 'it is not a signed event')
    demand(typeof header.kid === 'string', 'its header names no key')
    demand(
      Object.keys(header).every((name) => HEADER.includes(name)),
      'its header has more than alg, kid and typ',
    )
    const { payload } = await compactVerify(data, keyOf, { algorithms: ALGORITHMS })
    const claims = JSON.parse(new TextDecoder().decode(payload))
    demand(claims.aud === audience, 'it is for another audience')
    // What is for all who have a topic names no user, and is worth nothing beside its topic (TO8).
    const isForAll = topic !== null && claims.sub === undefined
    demand(isForAll || (claims.sub ?? null) === user, 'it is for another user')
    demand(id !== '' && claims.jti === id, 'it was signed under another id')
    demand(claims.typ === type, 'it was signed as another type')
    const isOurs =
      topic === null ? claims.top === undefined || claims.sub !== undefined : claims.top === topic
    demand(isOurs, 'it was signed for another topic')
    demand(Number.isFinite(claims.iat), 'it does not say when it was issued')
    demand(claims.iat * 1_000 <= platform.now() + ahead + TOLERANCE, 'it was issued in the future')
    demand('data' in claims, 'nothing was signed')
    return JSON.stringify(claims.data)
  }

  return async (event): Promise<Checked> => {
    try {
      return { ok: true, data: await open(event) }
    } catch (error) {
      if (error instanceof Unavailable)
        return { ok: false, unavailable: true, reason: 'the key set cannot be fetched' }
      const reason = error instanceof Forged ? error.message : 'it is not signed, or not by that key'
      return { ok: false, unavailable: false, reason }
    }
  }
}
