import type { Granted } from '../auth/credential.ts'
import type { Credentials } from '../auth/credentials.ts'
import type { Platform } from '../base/platform.ts'
import { ASK_CAP } from './retry-policy.ts'

export interface CredentialWatchOptions {
  platform: Pick<Platform, 'after'>
  credentials: Pick<Credentials, 'get' | 'settled'>
  /** ms until the first question; then the wait is doubled. */
  first: number
  /** The authorization of the last attempt, which is to change first; `null`: whatever is not refused will do. */
  except: string | null
  /** There is a credential that the server has not refused. */
  onCredential(credential: Granted): void
}

export interface CredentialWatch {
  /** Asks now: a page was looked at, came online or woke, or a tab came. */
  look(): void
  close(): void
}

/**
 * S6: while only another log-in can bring the stream back, the credentials are asked again and again. That costs the server no request:
 * a token that it has refused is not sent again (credentials.ts).
 */
export const watchCredentials = (options: CredentialWatchOptions): CredentialWatch => {
  const { platform, credentials, except, onCredential } = options
  let wait = options.first
  let isAsking = false
  let closed = false
  let cancel = () => {}

  const ask = async () => {
    cancel()
    if (isAsking) return
    isAsking = true
    const credential = await credentials.get()
    isAsking = false
    if (closed) return
    if (credential.ok && (except === null || credential.headers.authorization !== except))
      return onCredential(credential)
    credentials.settled(false)
    schedule(credential.ok ? 0 : (credential.retryAfter ?? 0))
  }
  const schedule = (floor: number) => {
    cancel = platform.after(Math.max(wait, floor), () => void ask())
    wait = Math.min(ASK_CAP, wait * 2)
  }
  schedule(0)

  return {
    look: () => void ask(),
    close() {
      closed = true
      cancel()
    },
  }
}
