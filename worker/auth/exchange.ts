import type { Platform } from '../base/platform.ts'
import { parseRetryAfter } from '../base/retry-after.ts'
import { bearer, type Denied, denied, isToken } from './credential.ts'
import { type Life, lifeOf } from './expiry.ts'
import type { Prover } from './proof.ts'

/** ms for the token endpoint to answer. */
const EXCHANGE_LIMIT = 20_000

/** What a token endpoint gave for an access token. */
export interface Exchanged {
  ok: true
  /** `null`: the token came as an httpOnly cookie, which no script sees. */
  token: string | null
  life: Life
  /** Whose token it is; `null`: the endpoint does not say. */
  user: string | null
}

export interface ExchangeRequest {
  platform: Pick<Platform, 'now' | 'after' | 'fetch'>
  url: string
  accessToken: string
  /** `Stream-Client`; `null`: the header is not sent, since it would fail the preflight of another origin. */
  client: string | null
  credentials: RequestCredentials
  signal: AbortSignal
  /** `null`: possession is not proved. */
  prover: Prover | null
}

const read = async (response: Response, now: number, isBound: boolean): Promise<Exchanged | Denied> => {
  const { status, headers, ok, type } = response
  if (!ok) {
    const reason = status === 401 || status === 403 ? 'refused' : status === 429 ? 'limited' : 'unavailable'
    const what = type === 'opaqueredirect' ? 'a redirect: refused, since a token goes along' : status
    const retryAfter = parseRetryAfter(headers.get('retry-after'), now)
    return denied(reason, `The token endpoint answered ${what}.`, status, retryAfter)
  }
  const answer: Record<'sse_token' | 'token_type' | 'expires_in' | 'expires_at' | 'user', unknown> =
    await response.json()
  const { sse_token: token = null, expires_in, expires_at, user = null } = answer
  if (token === null && expires_in == null && expires_at == null)
    return denied('unavailable', 'The token endpoint gave neither an sse_token nor an expires_in.', status)
  if (token !== null && !isToken(token))
    return denied('unavailable', 'The token endpoint gave an sse_token that no header can carry.', status)
  // A hub that asked for a bound token must not take one that anybody can use (RFC 9449, 5).
  if (isBound && token !== null && String(answer.token_type).toLowerCase() !== 'dpop')
    return denied(
      'unavailable',
      'The token endpoint gave a token that is not bound: `token_type` is not "DPoP".',
    )
  const life = lifeOf(answer, headers.get('date'), now)
  return { ok: true, token, life, user: user === null ? null : String(user) }
}

/** One exchange of an access token for a token of the stream (R5). Never rejects. */
export const exchange = async (request: ExchangeRequest): Promise<Exchanged | Denied> => {
  const { platform, url, accessToken, client, credentials, signal, prover } = request
  const limit = new AbortController()
  const cancel = platform.after(EXCHANGE_LIMIT, () => limit.abort())
  const abort = () => limit.abort()
  signal.addEventListener('abort', abort)
  const send = async () =>
    platform.fetch(url, {
      method: 'POST',
      headers: {
        ...bearer(accessToken),
        ...(client === null ? {} : { 'stream-client': client }),
        ...(await prover?.prove('POST', url, accessToken)),
      },
      credentials,
      cache: 'no-store',
      redirect: 'manual',
      signal: limit.signal,
    })
  try {
    let response = await send()
    // The proof may have lacked the server's nonce or its time (RFC 9449, 8): it is made once more.
    const mayBeProof = response.status === 400 || response.status === 401
    if (mayBeProof && prover?.learn(url, response.headers)) response = await send()
    return await read(response, platform.now(), prover !== null)
  } catch {
    // The browser's own words are left out, since they may quote the request (A1).
    return denied('unavailable', 'The token endpoint cannot be reached, or did not answer with JSON.')
  } finally {
    cancel()
    signal.removeEventListener('abort', abort)
  }
}
