import type { Granted } from '../auth/credential.ts'
import type { Credentials } from '../auth/credentials.ts'
import type { Platform } from '../base/platform.ts'
import { ASK_CAP } from './retry-policy.ts'

export interface CredentialWatchOptions {
  platform: Pick<Platform, 'now' | 'after'>
  credentials: Pick<Credentials, 'get' | 'settled'>
  /** ms until the first question. Each further wait is twice as long. */
  first: number
  /** An authorization that does not count as an answer; `null`: any that the server has not refused counts. */
  except: string | null
  /** There is a credential that the server has not refused. */
  onCredential(credential: Granted): void
}

export interface CredentialWatch {
  /** Asks now, unless the token endpoint named a time: a tab came, or a page was looked at, came online or woke. */
  look(): void
  close(): void
}

/**
 * S6: while only another log-in can bring the stream back, the hub asks its credentials again and again. That costs the
 * stream's server no request: a token that was refused is not sent again (credentials.ts).
 */
export const watchCredentials = (options: CredentialWatchOptions): CredentialWatch => {
  const { platform, credentials, except, onCredential } = options
  let wait = options.first
  let isAsking = false
  /** When the token endpoint wants to be asked again, in ms since 1970. */
  let notBefore = 0
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
  /** @param floor ms that the token endpoint named; 0: it named none */
  const schedule = (floor: number) => {
    notBefore = platform.now() + floor
    cancel = platform.after(Math.max(wait, floor), () => void ask())
    wait = Math.min(ASK_CAP, wait * 2)
  }
  schedule(0)

  return {
    look() {
      if (platform.now() >= notBefore) void ask()
    },
    close() {
      closed = true
      cancel()
    },
  }
}
