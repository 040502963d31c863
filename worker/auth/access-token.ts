import type { TokenAnswer } from '../../src/shared/protocol.ts'
import { isToken } from './credential.ts'
import type { RefusedTokens } from './refused-tokens.ts'

/** A3: whether a token, or a stream, belongs to another user. Anybody's token may open a stream that is everybody's. */
export const isAnothers = (theirs: string | null | undefined, user: string | null): boolean =>
  user !== null && theirs != null && theirs !== user

/**
 * Turns a tab's answer into a refusal if its token must not be sent. Returns any other answer as it is. Pure.
 *
 * @param user whose stream it is; `null`: everybody's
 */
export const judgeAnswer = (
  answer: TokenAnswer,
  user: string | null,
  refused: Pick<RefusedTokens, 'why'>,
): TokenAnswer => {
  if (!answer.ok) return answer
  const no = (message: string): TokenAnswer => ({ ok: false, message })
  if (!isToken(answer.token)) return no('getAccessToken gave a token that no header can carry.')
  if (isAnothers(answer.user, user))
    return no("getAccessToken gave a token of another user than the stream's `user`.")
  const why = refused.why(answer.token)
  if (why === null) return answer
  const what = why === 'refused' ? 'was refused' : "is of another user than the stream's `user`"
  return no(
    `The access token ${what}, and getAccessToken gives the same one again. It is sent again once it changes, ` +
      'after reconnect(), or in a minute.',
  )
}
