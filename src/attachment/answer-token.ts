import type { TokenAnswer } from '../shared/protocol.ts'

/** Asks the application, for the hub (A2). Never rejects. */
export const answerToken = async (getAccessToken: (() => unknown) | undefined): Promise<TokenAnswer> => {
  try {
    const token: unknown = await getAccessToken?.()
    if (typeof token === 'string' && token !== '') return { ok: true, token }
    return { ok: false, message: 'getAccessToken gave no token.' }
  } catch (error) {
    // Reported here, where the application's own words may be shown; they could quote a token (A1).
    reportError(error)
    return { ok: false, message: 'getAccessToken failed.', again: true }
  }
}
