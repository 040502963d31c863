import type { TokenAnswer } from '../../src/shared/protocol.ts'
import { type Platform, withLimit } from '../base/platform.ts'
import type { Session } from './session.ts'

/** ms for a tab to come up with a token: the application may have to refresh it first. */
const TOKEN_LIMIT = 20_000

/** ms for a tab to answer anything at all. */
const SIGN_LIMIT = 3_000

/** @returns `null` once it is; never, if it is not */
const isSilent = (platform: Pick<Platform, 'after' | 'now'>, session: Session): Promise<null> =>
  new Promise((resolve) => {
    const sign = session.sign().catch(() => {})
    withLimit(platform, sign, SIGN_LIMIT).catch(() => resolve(null))
  })

/** The tab last looked at; of those in view the one that came into view last, of equals the newest. */
const nextToAsk = (sessions: ReadonlyMap<string, Session>, asked: ReadonlySet<Session>) =>
  [...sessions.values()]
    .filter((session) => !asked.has(session))
    .reverse()
    .map((session) => ({ session, ...session.seen() }))
    .sort((a, b) => Number(b.visible) - Number(a.visible) || b.at - a.at)[0]?.session

const again = (message: string): TokenAnswer => ({ ok: false, message, again: true })

/**
 * A2: one tab after the other, those that come meanwhile as well; one that dies in mid-call, answers nothing or
 * takes too long, is followed by the next. That none was left says nothing of a token: the next tab may have one.
 *
 * @param onSilence none of them has answered, and a tab of another hub might
 */
export const askTab = async (
  platform: Pick<Platform, 'after' | 'now'>,
  sessions: ReadonlyMap<string, Session>,
  onSilence: () => void,
): Promise<TokenAnswer> => {
  const asked = new Set<Session>()
  let answer: TokenAnswer | null = null
  let silent: TokenAnswer = again('No tab is there to ask for an access token.')
  for (let session = nextToAsk(sessions, asked); session; session = nextToAsk(sessions, asked)) {
    asked.add(session)
    const next = await Promise.race([
      withLimit(platform, session.accessToken(), TOKEN_LIMIT).catch(() => null),
      // A frozen tab, or one that is gone though nothing tells so, would cost the limit each.
      isSilent(platform, session),
    ])
    if (next?.ok) return next
    if (next === null) silent = again(`getAccessToken did not answer within ${TOKEN_LIMIT / 1_000} s.`)
    // One that may have a token in a while outweighs one that has none.
    else if (answer === null || !('again' in answer)) answer = next
  }
  if (answer === null) onSilence()
  return answer ?? silent
}
