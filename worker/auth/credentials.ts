import type { HubOptions } from '../../src/shared/hub-options.ts'
import { PREFIX, withoutQuery } from '../../src/shared/names.ts'
import type { TokenAnswer } from '../../src/shared/protocol.ts'
import type { Platform } from '../base/platform.ts'
import { judgeAnswer } from './access-token.ts'
import { bearer, CLOSED, type Credential, denied, type Granted } from './credential.ts'
import { createExchangeTurn } from './exchange-turn.ts'
import { createProver, withProof } from './proof.ts'
import { createRefusedTokens } from './refused-tokens.ts'
import { createSseToken } from './sse-token.ts'

export type { Credential } from './credential.ts'

export interface CredentialsOptions {
  platform: Platform
  /** Whose stream it is; `null`: everybody's. */
  user: string | null
  auth: HubOptions['auth']
  withCredentials: boolean
  /** What a proof of possession needs (`auth.dpop`); `null`: none is asked for. */
  proof: { streamUrl: string; openKey(): Promise<CryptoKeyPair> } | null
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
  /**
   * The server answered 401 to what `get` gave: the next `get` obtains anew.
   *
   * @param headers of the answer, if there was one
   */
  refused(headers?: Headers): void
  /** The application asks to try again what was refused: `reconnect()`. */
  forgive(): void
  /** For good: nothing is sent any more, what is under way is broken off, and every token is forgotten (A4). */
  close(): void
}

/** Stands for what the browser sends by itself, where there is no token. */
const NO_TOKEN = ''

export const createCredentials = (options: CredentialsOptions): Credentials => {
  const { platform, user, auth } = options
  const credentials: RequestCredentials = options.withCredentials ? 'include' : 'same-origin'
  /** Looked at after each wait: nothing is sent or kept once it is aborted. */
  const life = new AbortController()
  const turn = createExchangeTurn(platform, `${PREFIX}exchange:${withoutQuery(auth?.exchange ?? '')}`)
  const refused = createRefusedTokens(platform)
  const { proof } = options
  const prover = proof && createProver({ platform, openKey: proof.openKey })
  let ids = 0
  /** The access token that went out last without an exchange. */
  let sent = NO_TOKEN
  let underWay: Promise<Credential> | null = null
  /** An attempt waits for a credential, or for the answer to one. */
  let isAttempting = false

  const grant = (headers: Record<string, string>, renewAt: number | null = null): Granted => ({
    ok: true,
    id: ++ids,
    headers,
    credentials,
    renewAt,
  })
  const url = auth?.exchange ?? null
  const { streamClient, onUnknownLife } = options
  const sseToken = createSseToken({
    platform,
    user,
    url,
    credentials,
    life: life.signal,
    refused,
    prover,
    streamClient,
    onUnknownLife,
    grant,
  })

  const withoutAuth = (): Credential => {
    sent = NO_TOKEN
    if (!refused.has(NO_TOKEN)) return grant({})
    return denied('refused', 'The server answered 401: log in, then call reconnect().', 401)
  }

  const obtain = async (): Promise<Credential> => {
    // A cookie may be replaced while this waits for its turn.
    if (sseToken.get() !== null) await turn.take()
    const kept = sseToken.get()
    if (kept !== null) return kept
    if (auth === null) return withoutAuth()
    const answer = await options.askTab((each) => judgeAnswer(each, user, refused))
    if (life.signal.aborted) return CLOSED
    if (!answer.ok)
      return sseToken.insteadOf(denied(answer.again ? 'unavailable' : 'refused', answer.message))
    if (url === null) {
      sent = answer.token
      return grant(bearer(answer.token))
    }
    await turn.take()
    return life.signal.aborted ? CLOSED : sseToken.exchange(answer.token)
  }

  const obtainOnce = (): Promise<Credential> => {
    underWay ??= obtain().finally(() => {
      underWay = null
      // Only a cookie can be replaced between the exchange and the answer of the stream.
      if (!isAttempting || !sseToken.isCookie()) turn.end()
    })
    return underWay
  }

  return {
    get() {
      if (life.signal.aborted) return Promise.resolve(CLOSED)
      isAttempting = true
      const kept = sseToken.get()
      const got = kept !== null && !sseToken.isCookie() ? Promise.resolve(kept) : obtainOnce()
      if (proof === null || prover === null) return got
      return got.then(async (found) => (found.ok ? withProof(found, prover, proof.streamUrl) : found))
    },
    prepare() {
      // An access token of a tab is not kept: it would be asked for twice.
      if (url !== null && sseToken.get() === null) void obtainOnce()
    },
    settled(isAccepted) {
      isAttempting = false
      if (isAccepted) sseToken.accepted()
      if (underWay === null) turn.end()
    },
    refused(headers) {
      // Not the token, but a proof without the server's nonce, or its time.
      if (proof !== null && headers !== undefined && prover?.learn(proof.streamUrl, headers)) return
      if (!sseToken.refuse()) refused.add(sent)
    },
    forgive() {
      refused.clear()
      sseToken.forgive()
    },
    close() {
      life.abort()
      sent = NO_TOKEN
      refused.clear()
      sseToken.close()
      turn.end()
    },
  }
}
