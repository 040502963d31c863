/**
 * A token is renewed 30 s before it expires, or a fifth of its life before, if that is less. Up to a tenth of this
 * margin is added at random: users who logged in together must not come back together for ever.
 */
const MARGIN = 30_000
const JITTER = 0.1
/** The least ms between two exchanges, whatever the clocks say. A token that lives less is renewed after a 401. */
const LEAST_PAUSE = 10_000

/** How long a token lives, in ms from now on; or why nobody can say. */
export type Life = { ms: number } | { ms: null; why: string }

const unknown = (why: string): Life => ({ ms: null, why })

/** A date without a zone means another instant on each device. RFC 3339, 5.6, demands the zone. */
const ZONE = /(Z|GMT|UTC|[+-]\d{2}:?\d{2})$/i

/** Above it, a number is no time in seconds, but one in ms, as JavaScript's clock tells it. */
const MOST_SECONDS = 1e11

const parseExpiry = (value: unknown): number =>
  typeof value === 'number'
    ? value < MOST_SECONDS
      ? value * 1_000
      : Number.NaN
    : typeof value === 'string' && ZONE.test(value.trim())
      ? Date.parse(value)
      : Number.NaN

/**
 * Reads what a token endpoint says of the life of its token (R5). Pure.
 *
 * `expires_in` (seconds; RFC 6749, 5.1) needs no clock, and comes first. `expires_at` (RFC 3339, or seconds since 1970)
 * is a time by the server's clock. This device's clock may be hours off, so the answer's `Date` has to say what the
 * server's clock shows.
 *
 * @param date the answer's `Date`; `null`: there is none, or CORS hides it
 * @param now ms since 1970
 */
export const lifeOf = (
  answer: { expires_in?: unknown; expires_at?: unknown },
  date: string | null,
  now: number,
): Life => {
  const seconds = Number(answer.expires_in ?? Number.NaN)
  if (seconds > 0) return { ms: seconds * 1_000 }
  if (answer.expires_at == null)
    return unknown(
      '`expires_in` is no number of seconds above 0. Answer with the seconds that the token lives.',
    )
  const expiry = parseExpiry(answer.expires_at)
  if (Number.isNaN(expiry))
    return unknown(
      '`expires_at` is neither a date with a zone (RFC 3339) nor seconds since 1970. Answer with `expires_in`.',
    )
  const serverNow = Date.parse(date ?? '')
  if (Number.isNaN(serverNow))
    return unknown(
      'the header `Date` cannot be read. Answer with `expires_in`, or with `Access-Control-Expose-Headers: Date`.',
    )
  // `Date` has whole seconds only. If this device's clock agrees with it to 2 s, that clock is the more exact one.
  const ms = expiry - (Math.abs(serverNow - now) < 2_000 ? now : serverNow)
  return ms > 0 ? { ms } : unknown('`expires_at` is past. Check the clock of the token endpoint.')
}

/**
 * When to renew a token that lives for `life` ms. Pure.
 *
 * @param random in [0, 1)
 * @returns ms from now on
 */
export const renewAfter = (life: number, random: number): number =>
  Math.max(LEAST_PAUSE, life - Math.min(MARGIN, life / 5) * (1 + JITTER * random))

/** When to try again a renewal that failed: several times before the token expires. @returns ms from now on */
export const retryRenewalAfter = (lifeLeft: number, retryAfter: number | null): number =>
  Math.max(1_000, lifeLeft / 3, retryAfter ?? 0)
