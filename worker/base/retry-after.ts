/**
 * `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date.
 *
 * @returns ms, at most an hour; `null` if there is none, or it cannot be read
 */
export const parseRetryAfter = (value: string | null, now: number): number | null => {
  if (value === null || value.trim() === '') return null
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return Number.isNaN(ms) ? null : Math.min(3_600_000, Math.max(0, ms))
}
