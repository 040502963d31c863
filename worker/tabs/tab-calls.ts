import type { TabApi, TokenAnswer } from '../../src/shared/protocol.ts'
import type { ErrorData, Status } from '../../src/shared/status.ts'

/** The calls to a tab. The transport must keep their order. */
export type RemoteTab = {
  [K in keyof TabApi]: (...args: Parameters<TabApi[K]>) => Promise<Awaited<ReturnType<TabApi[K]>>>
}

/**
 * What a hub asks of a tab, or tells it, beside events. A call to a tab that is gone fails, or never settles. No call
 * has to notice that, since the tab's lock tells of its death.
 */
export interface TabCalls {
  status(status: Status): void
  error(error: ErrorData): void
  /** Resolves once the tab has taken its latest status again, and so has shown that it runs. */
  sign(): Promise<void>
  /**
   * Asks for an access token. Settles even if the tab dies meanwhile. Calls that overlap share one answer.
   *
   * @throws what the call to the tab rejects with
   */
  accessToken(): Promise<TokenAnswer>
  signOut(): Promise<void>
  /** The tab is gone. A call of `accessToken` that is under way is answered. */
  close(): void
}

export const createTabCalls = (remote: Omit<RemoteTab, 'deliver'>): TabCalls => {
  let latest: Status | null = null
  let asking: Promise<TokenAnswer> | null = null
  let answerGone = () => {}
  const gone = new Promise<TokenAnswer>((resolve) => {
    const message = 'The tab that was asked for an access token is gone.'
    answerGone = () => resolve({ ok: false, message, again: true })
  })

  return {
    status(status) {
      latest = status
      void remote.status(status).catch(() => {})
    },
    error: (error) => void remote.error(error).catch(() => {}),
    sign: async () => {
      if (latest !== null) await remote.status(latest)
    },
    accessToken() {
      asking ??= Promise.race([remote.accessToken(), gone]).finally(() => {
        asking = null
      })
      return asking
    },
    signOut: () => remote.signOut(),
    close: () => answerGone(),
  }
}
