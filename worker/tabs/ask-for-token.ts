import type { TokenAnswer } from '../../src/shared/protocol.ts'
import { type Clock, withLimit } from '../../src/shared/with-limit.ts'
import type { Session } from './session.ts'

/** ms for a tab to answer with a token: the application may have to refresh its own token first. */
const TOKEN_LIMIT = 20_000
/** ms for a tab to show that it runs. */
const SIGN_LIMIT = 3_000

/** What this file needs of a session. */
export type Asked = Pick<Session, 'seen' | 'sign' | 'accessToken'>

/** @returns `null` once the tab has answered nothing for 3 s; never settles if the tab answers */
const untilSilent = (platform: Clock, tab: Asked): Promise<null> =>
  new Promise((resolve) => {
    const sign = tab.sign().catch(() => {})
    withLimit(platform, sign, SIGN_LIMIT).catch(() => resolve(null))
  })

/**
 * The tab that the user looked at last, since people log in where they look. Of several tabs in view, that is the one
 * that came into view last. Of tabs that are equal in this, the newest is asked.
 */
export const nextToAsk = <Tab extends Pick<Asked, 'seen'>>(
  tabs: Tab[],
  asked: ReadonlySet<Tab>,
): Tab | undefined =>
  tabs
    .filter((tab) => !asked.has(tab))
    .reverse()
    .map((tab) => ({ tab, ...tab.seen() }))
    .sort((a, b) => Number(b.visible) - Number(a.visible) || b.at - a.at)[0]?.tab

const again = (message: string): TokenAnswer => ({ ok: false, message, again: true })

/**
 * Asks one tab after the other for an access token (A2), also those that come meanwhile. The next tab is asked if a
 * tab dies, is silent for 3 s, takes more than 20 s, or has no token.
 *
 * @param judge turns a token that must not be sent into a refusal
 * @param onSilence no tab has answered, and a tab of another hub might
 * @returns the first token; else what a tab answered. If no tab answered, the next tab that comes may have a token:
 *   the answer says `again`.
 */
export const askForToken = async (
  platform: Clock,
  tabs: () => Asked[],
  judge: (answer: TokenAnswer) => TokenAnswer,
  onSilence: () => void,
): Promise<TokenAnswer> => {
  const asked = new Set<Asked>()
  let answer: TokenAnswer | null = null
  let silence = again('No tab is there to ask for an access token.')
  for (let tab = nextToAsk(tabs(), asked); tab; tab = nextToAsk(tabs(), asked)) {
    asked.add(tab)
    const next = await Promise.race([
      withLimit(platform, tab.accessToken(), TOKEN_LIMIT).then(judge, () => null),
      // A frozen tab would cost the whole limit, and so would a tab of whose death the hub hears nothing.
      untilSilent(platform, tab),
    ])
    if (next?.ok) return next
    if (next === null) silence = again(`getAccessToken did not answer within ${TOKEN_LIMIT / 1_000} s.`)
    // A tab that may have a token in a while outweighs a tab that has none.
    else if (answer === null || !('again' in answer)) answer = next
  }
  if (answer === null) onSilence()
  return answer ?? silence
}
