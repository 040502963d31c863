import type { TokenAnswer } from '../shared/protocol.ts'

/** What the application gives of `auth`: see `ConnectOptions`. */
export interface AnswerTokenOptions {
  getAccessToken(): unknown
  userOf?(token: string): unknown
}

/** Asks the application for an access token, and whose it is, for the hub (A2, A3). Never rejects. */
export const answerToken = async (auth: AnswerTokenOptions | undefined): Promise<TokenAnswer> => {
  try {
    const token: unknown = await auth?.getAccessToken()
    if (typeof token !== 'string' || token === '')
      return { ok: false, message: 'getAccessToken gave no token.' }
    const user = auth?.userOf?.(token) ?? null
    return { ok: true, token, ...(user === null ? {} : { user: String(user) }) }
  } catch (error) {
    // Reported here, where the application's own words may be shown; they could quote a token (A1).
    reportError(error)
    return { ok: false, message: 'getAccessToken, or userOf, failed.', again: true }
  }
}
