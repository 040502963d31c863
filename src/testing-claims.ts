import { type ClaimCore, type ClaimOf, checkMode } from './claim.ts'
import type { ClaimHandler } from './claims/run.ts'
import { runHandler } from './claims/run.ts'
import { settingsOf } from './claims/settings.ts'
import { claimKey, type PageClaim } from './shared/claims.ts'
import type { LoggedEvent } from './shared/events.ts'

/** The claims of a stream for tests, which is the only tab of its browser. */
export interface TestClaims {
  claim: ClaimOf
  /** The server has sent an event: a handler that is free has been called when this returns. */
  dispatch(event: LoggedEvent): void
}

type Settings = Pick<PageClaim, 'mode' | 'timeout' | 'attempts' | 'missed'>

interface Account {
  topic: string | null
  type: string
  /** Events that are still to be handled, the one that runs first. */
  owed: LoggedEvent[]
  users: { handler: ClaimHandler; settings: Settings; stop: AbortController | null }[]
  isRunning: boolean
}

/** @param onGivenUp an event's last run has failed (C6) */
export const createTestClaims = (
  { withPayload, ended }: Pick<ClaimCore, 'withPayload' | 'ended'>,
  onGivenUp: (topic: string | null, type: string, cause: string | null) => void,
): TestClaims => {
  const accounts = new Map<string, Account>()

  const run = async (account: Account, attempt = 1): Promise<void> => {
    const [event] = account.owed
    const [user] = account.users
    if (account.isRunning || event === undefined || user === undefined || ended.aborted) return
    const { mode, timeout, attempts } = user.settings
    account.isRunning = true
    user.stop = new AbortController()
    const { outcome, cause } = await runHandler(
      withPayload,
      user.handler,
      event,
      { attempt, timeout },
      user.stop,
    )
    user.stop = null
    account.isRunning = false
    if (outcome !== 'done' && mode === 'at-least-once') {
      if (attempt < attempts) return run(account, attempt + 1)
      onGivenUp(account.topic, event.type, cause)
    }
    account.owed.shift()
    return run(account)
  }
  ended.addEventListener('abort', () => {
    for (const { users } of accounts.values()) for (const { stop } of users) stop?.abort()
  })

  return {
    claim(topic, type, handler, options) {
      checkMode(options)
      const settings = settingsOf(options)
      const key = claimKey(topic, type, options.name ?? null)
      const account = accounts.get(key) ?? { topic, type, owed: [], users: [], isRunning: false }
      accounts.set(key, account)
      if (account.users.length === 0 && settings.missed === 'skip' && !account.isRunning) account.owed = []
      const user: Account['users'][number] = { handler, settings, stop: null }
      account.users.push(user)
      void run(account)
      return () => {
        user.stop?.abort()
        account.users = account.users.filter((other) => other !== user)
      }
    },
    dispatch(event) {
      for (const account of accounts.values()) {
        if (account.topic !== event.topic || (account.type !== '*' && account.type !== event.type)) continue
        account.owed.push(event)
        void run(account)
      }
    },
  }
}
