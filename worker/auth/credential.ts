/** What goes along with one attempt to open the stream. */
export type Credential = Granted | Denied

export interface Granted {
  ok: true
  /** The same number for as long as it is the same token. */
  id: number
  headers: Record<string, string>
  credentials: RequestCredentials
  /** When to ask for another, in ms since 1970; `null`: once the server answers 401. */
  renewAt: number | null
}

/** `refused`: another access token is needed. `unavailable` and `limited`: the token endpoint is, for now. */
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

/** After a sign-out, or where a newer hub has the stream. */
export const CLOSED = denied('unavailable', 'The stream is closed.')

/** What a header can carry (RFC 6750, 2.1). A browser that is given anything else quotes it in its error (A1). */
export const isToken = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
/** A token that is worth nothing without a proof (RFC 9449, 7.1). */
export const bound = (token: string) => ({ authorization: `DPoP ${token}` })
