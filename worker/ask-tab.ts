import type { TokenAnswer } from '../src/protocol.ts'
import { type Platform, withLimit } from './platform.ts'
import type { Session } from './session.ts'

/** ms for a tab to come up with a token: the application may have to refresh it first. */
const TOKEN_LIMIT = 20_000

/** The tab last looked at; of those in view the one that came into view last, of equals the newest. */
const nextToAsk = (sessions: ReadonlyMap<string, Session>, asked: ReadonlySet<Session>) =>
  [...sessions.values()]
    .filter((session) => !asked.has(session))
    .reverse()
    .map((session) => ({ session, ...session.seen() }))
    .sort((a, b) => Number(b.visible) - Number(a.visible) || b.at - a.at)[0]?.session

/**
 * A2: one tab after the other, those that come meanwhile as well; one that dies in mid-call, or takes too long,
 * is followed by the next. That none was left says nothing of a token: the next tab may have one.
 */
export const askTab = async (
  platform: Pick<Platform, 'after'>,
  sessions: ReadonlyMap<string, Session>,
): Promise<TokenAnswer> => {
  const asked = new Set<Session>()
  let answer: TokenAnswer | null = null
  for (let session = nextToAsk(sessions, asked); session; session = nextToAsk(sessions, asked)) {
    asked.add(session)
    const next: TokenAnswer = await withLimit(platform, session.accessToken(), TOKEN_LIMIT).catch(() => ({
      ok: false,
      message: `getAccessToken did not answer within ${TOKEN_LIMIT / 1_000} s.`,
      again: true,
    }))
    if (next.ok) return next
    // One that may have a token in a while outweighs one that has none.
    if (answer === null || !('again' in answer)) answer = next
  }
  return answer ?? { ok: false, message: 'No tab is there to ask for an access token.', again: true }
}
