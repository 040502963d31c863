import type { HubOptions } from '../../src/shared/hub-options.ts'
import { PREFIX, withoutQuery } from '../../src/shared/names.ts'
import type { TokenAnswer } from '../../src/shared/protocol.ts'
import type { Platform } from '../base/platform.ts'
import { judgeAnswer } from './access-token.ts'
import { bearer, CLOSED, type Credential, denied, type Granted } from './credential.ts'
import { createExchangeTurn } from './exchange-turn.ts'
import { createProver, withProof } from './proof.ts'
import { createRefusedTokens, type Refusal } from './refused-tokens.ts'
import { createSseToken } from './sse-token.ts'

export type { Credential } from './credential.ts'

export interface CredentialsOptions {
  platform: Platform
  /** Whose stream it is; `null`: everybody's. */
  user: string | null
  auth: HubOptions['auth']
  withCredentials: boolean
  /** What a proof of possession needs (`auth.dpop`); `null`: the application asks for no proof. */
  proof: { streamUrl: string; openKey(): Promise<CryptoKeyPair> } | null
  /**
   * `Stream-Client`, which binds a token to this key (A3). A browser keeps one cookie for all its users: without this
   * header, another user's exchange would open that user's stream here. `null`: the header is not sent, since it would
   * fail the preflight of another origin.
   */
  streamClient(): Promise<string | null>
  /**
   * Asks a live tab for an access token (A2), and the next one where it has none.
   *
   * @param judge turns a token that must not be sent into a refusal
   */
  askTab(judge: (answer: TokenAnswer) => TokenAnswer): Promise<TokenAnswer>
  /** Nobody can say when a token expires. Called once. @param why what to mend */
  onUnknownLife(why: string): void
}

/**
 * The credentials of a stream's requests: a tab's access token, or the SSE token for which it was exchanged (R5). They
 * are kept in memory, and nowhere else (A1). There is one exchange at a time for all who ask (A2). A token that was
 * refused is not sent again until it changes, a minute has passed, or `forgive` is called.
 */
export interface Credentials {
  /**
   * Gives the credential for one attempt, which ends with `settled`. Never rejects.
   *
   * @param put URL of a PUT that the credential is for (R8). Default: it is for the stream
   */
  get(put?: string): Promise<Credential>
  /** Exchanges ahead of the next `get`, so that the attempt need not wait for it. */
  prepare(): void
  /** The attempt that `get` was for is answered, or given up. @param isAccepted the stream opened */
  settled(isAccepted: boolean): void
  /**
   * The server refused what `get` gave: the next `get` obtains another credential.
   *
   * @param headers of the answer, if there was one
   */
  refused(why: Refusal, headers?: Headers): void
  /** `reconnect()`: tokens that were refused may be sent again. */
  forgive(): void
  /** Ends for good: breaks off what is under way, sends nothing more, and forgets every token (A4). */
  close(): void
}

/** Stands for the cookies that the browser sends by itself, if the application sets no `auth`. */
const NO_TOKEN = ''

/** Over 80 lines: each method here decides by the same three things: the SSE token, the turn, the refused tokens. */
export const createCredentials = (options: CredentialsOptions): Credentials => {
  const { platform, user, auth } = options
  const credentials: RequestCredentials = options.withCredentials ? 'include' : 'same-origin'
  /** Aborted by `close`, and looked at after each wait: nothing is sent or kept from then on. */
  const life = new AbortController()
  const turn = createExchangeTurn(platform, `${PREFIX}exchange:${withoutQuery(auth?.exchange ?? '')}`)
  const refused = createRefusedTokens(platform)
  const { proof } = options
  const prover = proof && createProver({ platform, openKey: proof.openKey })
  let ids = 0
  /** The access token that was last sent to the stream itself, without an exchange. */
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
    if (refused.why(NO_TOKEN) === null) return grant({})
    return denied('refused', 'The server answered 401: log in, then call reconnect().', 401)
  }

  const obtain = async (): Promise<Credential> => {
    // Another worker may replace the cookie while this one waits for its turn, so it is looked at again.
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
      // Only a cookie needs the turn until the stream has answered: another worker could replace it.
      if (!isAttempting || !sseToken.isCookie()) turn.end()
    })
    return underWay
  }

  return {
    get(put) {
      if (life.signal.aborted) return Promise.resolve(CLOSED)
      isAttempting = true
      const kept = sseToken.get()
      const got = kept !== null && !sseToken.isCookie() ? Promise.resolve(kept) : obtainOnce()
      if (proof === null || prover === null) return got
      const method = put === undefined ? 'GET' : 'PUT'
      return got.then(async (found) =>
        found.ok ? withProof(found, prover, method, put ?? proof.streamUrl) : found,
      )
    },
    prepare() {
      // Without an exchange nothing is kept, so that the tab would be asked twice.
      if (url !== null && sseToken.get() === null) void obtainOnce()
    },
    settled(isAccepted) {
      isAttempting = false
      if (isAccepted) sseToken.accepted()
      if (underWay === null) turn.end()
    },
    refused(why, headers) {
      // The server may have refused the proof, not the token: the proof lacked the server's nonce or its time.
      if (proof !== null && headers !== undefined && prover?.learn(proof.streamUrl, headers)) return
      if (!sseToken.refuse(why)) refused.add(sent, why)
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
