import { PREFIX, withoutQuery } from '../../src/shared/names.ts'
import type { Platform } from '../base/platform.ts'
import { isAnothers } from './access-token.ts'
import { createCookieOwner } from './cookie-owner.ts'
import { bearer, bound, CLOSED, type Credential, type Denied, denied, type Granted } from './credential.ts'
import { exchange } from './exchange.ts'
import { type Life, renewAfter, retryRenewalAfter } from './expiry.ts'
import type { Prover } from './proof.ts'
import type { Refusal, RefusedTokens } from './refused-tokens.ts'

/** ms for which the token endpoint's first refusal of an access token holds. */
const SUSPECTED_FOR = 5_000

export interface SseTokenOptions {
  platform: Platform
  /** Whose stream it is; `null`: everybody's. */
  user: string | null
  /** URL of the token endpoint; `null`: there is none, and nothing is exchanged. */
  url: string | null
  credentials: RequestCredentials
  /** Once it is aborted, nothing is sent or kept any more. */
  life: AbortSignal
  refused: RefusedTokens
  /** `null`: possession is not proved. */
  prover: Prover | null
  streamClient(): Promise<string | null>
  onUnknownLife(why: string): void
  grant(headers: Record<string, string>, renewAt?: number | null): Granted
}

/** The SSE token of the stream, for which an access token was exchanged (R5). */
export interface SseToken {
  /** The credential that is held; `null`: there is none, or it is due for renewal. */
  get(): Granted | null
  /** Whether the held token came as a cookie, which another user's exchange may replace (A3). */
  isCookie(): boolean
  /** Exchanges an access token for the next SSE token. Never rejects. */
  exchange(accessToken: string): Promise<Credential>
  /** A renewal has failed. @returns the held token, for as long as it has not expired; else `why` */
  insteadOf(why: Denied): Credential
  /** A stream has opened with the held token. */
  accepted(): void
  /** The server refused the held token. @returns whether a token was held */
  refuse(why: Refusal): boolean
  /** An access token whose SSE token was refused may be exchanged again. */
  forgive(): void
  close(): void
}

interface Held {
  credential: Granted
  accessToken: string
  /** In ms since 1970; `null`: nobody can say. */
  expiresAt: number | null
  /** Whether a stream has opened with the token. */
  isAccepted: boolean
}

const isCookie = ({ headers }: Granted) => Object.keys(headers).length === 0

/** Over 80 lines: each method takes, replaces or drops the one token that is held. */
export const createSseToken = (options: SseTokenOptions): SseToken => {
  const { platform, user, url, credentials, life, refused, prover, grant } = options
  const cookie = createCookieOwner(platform, `${PREFIX}cookie:${withoutQuery(url ?? '')}`)
  let held: Held | null = null
  /** An access token that was refused once, or whose first SSE token was, before any stream opened with it. */
  let suspect: string | null = null
  let hasToldUnknownLife = false

  const insteadOf = (why: Denied): Credential => {
    const now = platform.now()
    const left = (held?.expiresAt ?? 0) - now
    if (held === null || left <= 0) return why
    const credential = { ...held.credential, renewAt: now + retryRenewalAfter(left, why.retryAfter) }
    held = { ...held, credential }
    return credential
  }

  const hold = (accessToken: string, token: string | null, life: Life): Granted => {
    if (life.ms === null && !hasToldUnknownLife) {
      hasToldUnknownLife = true
      options.onUnknownLife(life.why)
    }
    const now = platform.now()
    const renewAt = life.ms === null ? null : now + renewAfter(life.ms, platform.random())
    const expiresAt = life.ms === null ? null : now + life.ms
    const credential = grant(token === null ? {} : prover === null ? bearer(token) : bound(token), renewAt)
    held = { credential, accessToken, expiresAt, isAccepted: false }
    return credential
  }

  return {
    get() {
      const renewAt = held?.credential.renewAt ?? Number.POSITIVE_INFINITY
      return held !== null && platform.now() < renewAt ? held.credential : null
    },
    isCookie: () => held !== null && isCookie(held.credential),
    async exchange(accessToken) {
      const client = await options.streamClient()
      if (life.aborted) return CLOSED
      const answer = await exchange({
        platform,
        url: url!,
        accessToken,
        client,
        credentials,
        signal: life,
        prover,
      })
      if (life.aborted) return CLOSED
      if (!answer.ok) {
        if (answer.reason === 'refused') {
          // An endpoint may not know a session yet that has just begun elsewhere. The token gets one more try soon.
          refused.add(accessToken, 'refused', suspect === accessToken ? undefined : SUSPECTED_FOR)
          suspect = accessToken
        }
        return insteadOf(answer)
      }
      const { token } = answer
      if (isAnothers(answer.user, user)) {
        refused.add(accessToken, 'anothers')
        held = null
        // The worker whose cookie was replaced must learn of it, though this worker does not use the new cookie.
        if (token === null) cookie.own(() => {})
        return denied('refused', "The token endpoint gave a token of another user than the stream's `user`.")
      }
      const credential = hold(accessToken, token, answer.life)
      if (token === null)
        cookie.own(() => {
          if (held?.credential.id === credential.id) held = null
        })
      return credential
    },
    insteadOf,
    accepted() {
      if (held === null) return
      held = { ...held, isAccepted: true }
      suspect = null
    },
    refuse(why) {
      if (held === null) return false
      const { accessToken, isAccepted } = held
      held = null
      if (isAccepted) return true
      // A server may refuse one SSE token by accident. If it refuses a second one, the access token is at fault.
      if (suspect === accessToken) refused.add(accessToken, why)
      suspect = accessToken
      return true
    },
    forgive() {
      suspect = null
    },
    close() {
      held = null
      suspect = null
      cookie.disown()
    },
  }
}
