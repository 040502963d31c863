import type { HubOptions } from '../../src/shared/hub-options.ts'
import { PREFIX } from '../../src/shared/names.ts'
import type { TokenAnswer } from '../../src/shared/protocol.ts'
import type { Platform } from '../base/platform.ts'
import { isAnothers, judgeAnswer } from './access-token.ts'
import { createCookieOwner } from './cookie-owner.ts'
import { bearer, type Credential, type Denied, denied, type Granted } from './credential.ts'
import { exchange } from './exchange.ts'
import { createExchangeTurn } from './exchange-turn.ts'
import { renewAfter, retryRenewalAfter } from './expiry.ts'
import { createRefusedTokens } from './refused-tokens.ts'

export type { Credential } from './credential.ts'

export interface CredentialsOptions {
  platform: Platform
  /** Whose stream it is; `null`: everybody's. */
  user: string | null
  auth: HubOptions['auth']
  withCredentials: boolean
  /**
   * What binds a token to this key (A3): a browser keeps one cookie for all its users, and another user's exchange
   * would open their stream here. `null`: not sent, since an unknown header fails a foreign server's preflight.
   */
  streamClient(): Promise<string | null>
  /**
   * Asks a live tab for an access token (A2), and the next one where it has none.
   *
   * @param judge says of an answer what it comes to: a token that is not to be sent is none
   */
  askTab(judge: (answer: TokenAnswer) => TokenAnswer): Promise<TokenAnswer>
  /** Nobody can say when a token expires. Called once. @param why what to mend */
  onUnknownLife(why: string): void
}

/**
 * What goes along with an attempt: asked of a tab, exchanged (R5), kept in memory and nowhere else (A1), one exchange
 * at a time for all who ask (A2). A token that a server refused is not sent again until it changes, a minute has
 * passed, or `forgive` is called. Knows nothing of the stream.
 */
export interface Credentials {
  /** For an attempt, which ends with `settled`. Never rejects; at most one exchange is under way. */
  get(): Promise<Credential>
  /** Fetches ahead what the next `get` gives. */
  prepare(): void
  /** The attempt that `get` was for is answered, or given up. @param isAccepted the stream opened */
  settled(isAccepted: boolean): void
  /** The server answered 401 to what `get` gave: the next `get` obtains anew. */
  refused(): void
  /** The application asks to try again what was refused: `reconnect()`. */
  forgive(): void
  /** For good: nothing is sent any more, what is under way is broken off, and every token is forgotten (A4). */
  close(): void
}

/** What an exchange brought. */
interface Held {
  credential: Granted
  accessToken: string
  /** In ms since 1970; `null`: nobody can say. */
  expiresAt: number | null
  /** A stream has opened with it. */
  isAccepted: boolean
}

/** Stands for what the browser sends by itself, where there is no token. */
const NO_TOKEN = ''

const CLOSED = denied('unavailable', 'The stream is closed.')

export const createCredentials = (options: CredentialsOptions): Credentials => {
  const { platform, user, auth } = options
  const credentials: RequestCredentials = options.withCredentials ? 'include' : 'same-origin'
  /** Looked at after each wait: nothing is sent or kept once it is aborted. */
  const life = new AbortController()
  const turn = createExchangeTurn(platform, `${PREFIX}exchange:${auth?.exchange}`)
  const cookie = createCookieOwner(platform, `${PREFIX}cookie:${auth?.exchange}`)
  const refused = createRefusedTokens(platform)
  let held: Held | null = null
  /** The access token that went out last without an exchange. */
  let sent = NO_TOKEN
  /** An access token whose first SSE token was refused before any stream opened with it. */
  let suspect: string | null = null
  let underWay: Promise<Credential> | null = null
  /** An attempt waits for a credential, or for the answer to one. */
  let isAttempting = false
  let ids = 0
  let hasToldUnknownLife = false

  const grant = (headers: Record<string, string>, renewAt: number | null = null): Granted => ({
    ok: true,
    id: ++ids,
    headers,
    credentials,
    renewAt,
  })

  const usable = (): Held | null => {
    const renewAt = held?.credential.renewAt ?? Number.POSITIVE_INFINITY
    return platform.now() < renewAt ? held : null
  }
  const isCookie = ({ credential }: Held) => Object.keys(credential.headers).length === 0

  /** A renewal ahead of the expiry has failed: the present token does for a while longer. */
  const fallBack = (why: Denied): Credential => {
    const left = (held?.expiresAt ?? 0) - platform.now()
    if (held === null || left <= 0) return why
    const renewAt = platform.now() + retryRenewalAfter(left, why.retryAfter)
    held = { ...held, credential: { ...held.credential, renewAt } }
    return held.credential
  }

  const exchangeFor = async (url: string, accessToken: string): Promise<Credential> => {
    const client = await options.streamClient()
    if (life.signal.aborted) return CLOSED
    const answer = await exchange({ platform, url, accessToken, client, credentials, signal: life.signal })
    if (life.signal.aborted) return CLOSED
    if (!answer.ok) {
      if (answer.reason === 'refused') refused.add(accessToken)
      return fallBack(answer)
    }
    const { token, life: lives } = answer
    const now = platform.now()
    if (isAnothers(answer.user, user)) {
      refused.add(accessToken)
      held = null
      // Whose cookie was replaced must know, though nobody here uses it.
      if (token === null) cookie.own(() => {})
      return denied('refused', "The token endpoint gave a token of another user than the stream's `user`.")
    }
    if (lives.ms === null && !hasToldUnknownLife) {
      hasToldUnknownLife = true
      options.onUnknownLife(lives.why)
    }
    const renewAt = lives.ms === null ? null : now + renewAfter(lives.ms, platform.random())
    const expiresAt = lives.ms === null ? null : now + lives.ms
    const credential = grant(token === null ? {} : bearer(token), renewAt)
    held = { credential, accessToken, expiresAt, isAccepted: false }
    if (token === null) {
      cookie.own(() => {
        if (held?.credential.id === credential.id) held = null
      })
    }
    return credential
  }

  const obtain = async (): Promise<Credential> => {
    // A cookie may be replaced while this waits for its turn.
    if (usable() !== null) await turn.take()
    const kept = usable()
    if (kept !== null) return kept.credential
    if (auth === null) {
      sent = NO_TOKEN
      if (!refused.has(NO_TOKEN)) return grant({})
      return denied('refused', 'The server answered 401: log in, then call reconnect().', 401)
    }
    const answer = await options.askTab((each) => judgeAnswer(each, user, refused))
    if (life.signal.aborted) return CLOSED
    if (!answer.ok) return fallBack(denied(answer.again ? 'unavailable' : 'refused', answer.message))
    if (auth.exchange === null) {
      sent = answer.token
      return grant(bearer(answer.token))
    }
    await turn.take()
    if (life.signal.aborted) return CLOSED
    return exchangeFor(auth.exchange, answer.token)
  }

  const obtainOnce = (): Promise<Credential> => {
    underWay ??= obtain().finally(() => {
      underWay = null
      // Only a cookie can be replaced between the exchange and the answer of the stream.
      if (!isAttempting || held === null || !isCookie(held)) turn.end()
    })
    return underWay
  }

  return {
    get() {
      if (life.signal.aborted) return Promise.resolve(CLOSED)
      isAttempting = true
      const kept = usable()
      return kept !== null && !isCookie(kept) ? Promise.resolve(kept.credential) : obtainOnce()
    },
    prepare() {
      // An access token of a tab is not kept: it would be asked for twice.
      if (auth?.exchange != null && usable() === null) void obtainOnce()
    },
    settled(isAccepted) {
      isAttempting = false
      if (isAccepted && held !== null) {
        held.isAccepted = true
        suspect = null
      }
      if (underWay === null) turn.end()
    },
    refused() {
      if (held === null) return refused.add(sent)
      const { accessToken, isAccepted } = held
      held = null
      if (isAccepted) return
      // One SSE token may be refused by accident; of a second one it is the access token that brings nothing.
      if (suspect === accessToken) refused.add(accessToken)
      suspect = accessToken
    },
    forgive() {
      refused.clear()
      suspect = null
    },
    close() {
      life.abort()
      held = null
      sent = NO_TOKEN
      suspect = null
      refused.clear()
      turn.end()
      cookie.disown()
    },
  }
}
