/** What goes along with one attempt to open the stream. */
export type Credential = Granted | Denied

export interface Granted {
  ok: true
  /** Stays the same for as long as the token does. */
  id: number
  headers: Record<string, string>
  credentials: RequestCredentials
  /** When to ask for another credential, in ms since 1970; `null`: once the server answers 401. */
  renewAt: number | null
}

/** `refused`: only another access token helps. `unavailable`, `limited`: the token endpoint may answer later. */
export interface Denied {
  ok: false
  reason: 'refused' | 'unavailable' | 'limited'
  message: string
  status: number | null
  /** ms */
  retryAfter: number | null
}

export const denied = (
  reason: Denied['reason'],
  message: string,
  status: number | null = null,
  retryAfter: number | null = null,
): Denied => ({ ok: false, reason, message, status, retryAfter })

/** What is given after a sign-out, or once a newer hub has the stream. */
export const CLOSED = denied('unavailable', 'The stream is closed.')

/**
 * Whether a header can carry this token (RFC 6750, 2.1). Given anything else, a browser quotes it in its error (A1).
 */
export const isToken = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
/** A token that is worth nothing without a proof (RFC 9449, 7.1). */
export const bound = (token: string) => ({ authorization: `DPoP ${token}` })
