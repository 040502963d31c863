import type { HubOptions } from '../../src/shared/hub-options.ts'
import { PREFIX } from '../../src/shared/names.ts'
import type { TokenAnswer } from '../../src/shared/protocol.ts'
import type { Platform } from '../base/platform.ts'
import { parseRetryAfter } from '../base/retry-after.ts'
import { createTurn } from './exchange-turn.ts'

export type Credential =
  | {
      ok: true
      headers: Record<string, string>
      credentials: RequestCredentials
      /** When to get another, in ms since 1970; `null`: nobody said. */
      renewAt: number | null
    }
  /** `refused`: a new token is needed. `unavailable`: the token endpoint is, for now. */
  | {
      ok: false
      reason: 'refused' | 'unavailable' | 'limited'
      message: string
      status: number | null
      retryAfter: number | null
    }

export interface CredentialsOptions {
  platform: Platform
  auth: HubOptions['auth']
  withCredentials: boolean
  /**
   * What binds a token to this key (A3): a browser keeps one cookie for all users, and another user's exchange
   * would open their stream here. `null`: not sent, since an unknown header fails a foreign server's preflight.
   */
  streamClient(): Promise<string | null>
  /** Asks a live tab for an access token (A2). */
  askTab(): Promise<TokenAnswer>
}

/**
 * An SSE token is renewed this long before it expires, or a fifth of its life before, if that is less, and up to
 * a tenth of that earlier still: users who logged in together must not come back together for ever.
 */
const MARGIN = 30_000
const JITTER = 0.1
/** ms for the token endpoint to answer. */
const EXCHANGE_LIMIT = 20_000

/** What a header can carry (RFC 6750, 2.1). A browser that is given anything else quotes it in its error (A1). */
const isToken = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Without a header of its own: the browser sends it along. */
const isCookie = ({ headers }: Credential & { ok: true }) => Object.keys(headers).length === 0

const no = (
  reason: Exclude<Credential, { ok: true }>['reason'],
  message: string,
  status: number | null = null,
  retryAfter: number | null = null,
): Credential => ({ ok: false, reason, message, status, retryAfter })

/** RFC 3339, or seconds since 1970. @returns ms since 1970, `NaN` if it is neither */
const parseExpiry = (value: unknown): number =>
  typeof value === 'number' ? value * 1_000 : typeof value === 'string' ? Date.parse(value) : Number.NaN

/**
 * A device's clock may be hours off, and `expires_at` is told by the server's. `Date` has whole seconds, so
 * a clock that agrees with it to 2 s is the better one. @returns ms since 1970
 */
const serverTime = (headers: Headers, now: number): number => {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) || Math.abs(date - now) < 2_000 ? now : date
}

export type Credentials = ReturnType<typeof createCredentials>

/**
 * The credential that goes along with an attempt: asked of a tab, exchanged (R5), kept in this closure and
 * nowhere else (A1), one exchange at a time for all who ask (A2). Knows nothing of the stream.
 */
export const createCredentials = ({
  platform,
  auth,
  withCredentials,
  streamClient,
  askTab,
}: CredentialsOptions) => {
  const include: RequestCredentials = withCredentials ? 'include' : 'same-origin'
  let held: (Credential & { ok: true; renewAt: number }) | null = null
  let underWay: Promise<Credential> | null = null
  let exchanging = new AbortController()
  /**
   * A browser keeps one cookie for all its users: from the exchange to the answer of the stream nobody else may
   * put another in its place. Whoever does later, takes this lock from the one before, who then knows (A3).
   */
  const turn = createTurn(platform, `${PREFIX}exchange:${auth?.exchange}`)
  let disown = () => {}
  const own = (mine: Credential) => {
    disown()
    const owned = () =>
      new Promise<void>((resolve) => {
        disown = resolve
      })
    platform.locks.request(`${PREFIX}cookie:${auth?.exchange}`, { steal: true }, owned).catch(() => {
      if (held === mine) held = null
    })
  }

  const exchange = async (url: string, accessToken: string): Promise<Credential> => {
    exchanging = new AbortController()
    const { signal } = exchanging
    const cancel = platform.after(EXCHANGE_LIMIT, () => exchanging.abort())
    try {
      const client = await streamClient()
      const response = await platform.fetch(url, {
        method: 'POST',
        headers: { ...bearer(accessToken), ...(client === null ? {} : { 'stream-client': client }) },
        credentials: include,
        cache: 'no-store',
        redirect: 'manual',
        signal,
      })
      const { status, headers } = response
      if (!response.ok) {
        const reason =
          status === 401 || status === 403 ? 'refused' : status === 429 ? 'limited' : 'unavailable'
        const what =
          response.type === 'opaqueredirect' ? 'a redirect: refused, since a token goes along' : status
        const retryAfter = parseRetryAfter(headers.get('retry-after'), platform.now())
        return no(reason, `The token endpoint answered ${what}.`, status, retryAfter)
      }
      const answer: { sse_token?: unknown; expires_at?: unknown } = await response.json()
      const expiry = parseExpiry(answer.expires_at)
      if (Number.isNaN(expiry))
        return no('unavailable', 'The token endpoint gave no readable expires_at.', status)
      const now = platform.now()
      const life = Math.max(1_000, expiry - serverTime(headers, now))
      const renewAt = now + life - Math.min(MARGIN, life / 5) * (1 + JITTER * platform.random())
      // Without a token in the answer, it came as an httpOnly cookie, which no script sees (R5).
      const { sse_token: token } = answer
      if (token != null && !isToken(token))
        return no('unavailable', 'The token endpoint gave an sse_token that no header can carry.', status)
      held = { ok: true, headers: token == null ? {} : bearer(token), credentials: include, renewAt }
      if (isCookie(held)) own(held)
      return held
    } catch {
      // The error's own words are left out: a browser may quote the request in them.
      return no('unavailable', 'The token endpoint cannot be reached, or did not answer with JSON.')
    } finally {
      cancel()
      if (held === null || !isCookie(held)) turn.end()
    }
  }

  const fresh = () => (held !== null && platform.now() < held.renewAt ? held : null)

  const obtain = async (): Promise<Credential> => {
    // It may be replaced while this waits for its turn.
    if (fresh() !== null) await turn.take()
    const kept = fresh()
    if (kept !== null) return kept
    held = null
    if (auth === null) return { ok: true, headers: {}, credentials: include, renewAt: null }
    const answer = await askTab()
    if (!answer.ok) return no(answer.again ? 'unavailable' : 'refused', answer.message)
    if (!isToken(answer.token)) return no('refused', 'getAccessToken gave a token that no header can carry.')
    if (auth.exchange === null)
      return { ok: true, headers: bearer(answer.token), credentials: include, renewAt: null }
    await turn.take()
    return exchange(auth.exchange, answer.token)
  }

  return {
    get(): Promise<Credential> {
      const kept = fresh()
      if (kept !== null && !isCookie(kept)) return Promise.resolve(kept)
      underWay ??= obtain().finally(() => {
        underWay = null
      })
      return underWay
    },
    /** The attempt that `get` was for is answered, or given up. */
    settled: turn.end,
    /** The server refused what `get` gave: the next `get` obtains anew. */
    forget() {
      held = null
    },
    /** For good (A4): an exchange under way must not bring another token. */
    close() {
      held = null
      exchanging.abort()
      turn.end()
      disown()
    },
  }
}
