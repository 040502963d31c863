import type { TokenAnswer } from '../src/protocol.ts'
import { type Platform, withLimit } from './platform.ts'
import type { Session } from './session.ts'

/** ms for a tab to come up with a token: the application may have to refresh it first. */
const TOKEN_LIMIT = 20_000

/** A2: the tab last looked at first; one that dies in mid-call, or takes too long, is followed by the next. */
export const askTab = async (
  platform: Pick<Platform, 'after'>,
  sessions: ReadonlyMap<string, Session>,
): Promise<TokenAnswer> => {
  const asked = [...sessions.values()]
    .reverse()
    .map((session) => ({ session, ...session.seen() }))
    .sort((a, b) => Number(b.visible) - Number(a.visible) || b.at - a.at)
  let answer: TokenAnswer = { ok: false, message: 'No tab is there to ask for an access token.' }
  for (const { session } of asked) {
    if (!sessions.has(session.tab)) continue
    const next: TokenAnswer = await withLimit(platform, session.accessToken(), TOKEN_LIMIT).catch(() => ({
      ok: false,
      message: `getAccessToken did not answer within ${TOKEN_LIMIT / 1_000} s.`,
      again: true,
    }))
    if (next.ok) return next
    // One that may have a token in a while outweighs one that has none.
    if (!('again' in answer)) answer = next
  }
  return answer
}
