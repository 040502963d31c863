import type { TokenAnswer } from '../../src/shared/protocol.ts'
import { type Clock, withLimit } from '../../src/shared/with-limit.ts'
import type { Session } from './session.ts'

/** ms for a tab to come up with a token: the application may have to refresh its own first. */
const TOKEN_LIMIT = 20_000
/** ms for a tab to answer anything at all. */
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
 * The tab that was looked at last. Of those in view that is the one that came into view last, and of equals the
 * newest: people log in where they look.
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
 * Asks one tab after the other for an access token (A2), those that come meanwhile as well. A tab that dies in
 * mid-call, answers nothing or takes too long is followed by the next. That no tab was left says nothing of a token:
 * the next tab that comes may have one.
 *
 * @param judge says of an answer what it comes to: a token that is not to be sent is none
 * @param onSilence no tab has answered, and a tab of another hub might
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
      // A frozen tab, or one whose death nothing tells, would cost the whole limit.
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
