import type { Granted } from '../auth/credential.ts'
import type { Credentials } from '../auth/credentials.ts'
import { LONGEST_TIMER, type Platform } from '../base/platform.ts'

export interface RenewalOptions {
  platform: Pick<Platform, 'now' | 'after'>
  credentials: Pick<Credentials, 'get' | 'settled'>
  /** The credential of the present stream. */
  credential: Granted
  /** There is another credential, and the stream is to be reopened with it. */
  onRenewed(): void
}

export interface Renewal {
  close(): void
}

/**
 * A2: obtains the next token while the old stream still runs. If there is no token, the hub keeps the stream for as
 * long as the server lets it live.
 */
export const watchRenewal = ({ platform, credentials, onRenewed, ...given }: RenewalOptions): Renewal => {
  let { credential } = given
  let closed = false
  let cancel = () => {}

  const renew = async () => {
    const next = await credentials.get()
    if (closed) return
    if (next.ok && next.id !== credential.id) return onRenewed()
    credentials.settled(true)
    if (!next.ok) return
    // The credential is the old one: the timer was early by the wall clock, or the renewal has failed.
    credential = next
    schedule()
  }
  const schedule = () => {
    if (credential.renewAt === null) return
    const ms = credential.renewAt - platform.now()
    if (ms > 0) cancel = platform.after(Math.min(ms, LONGEST_TIMER), schedule)
    else void renew()
  }
  schedule()

  return {
    close() {
      closed = true
      cancel()
    },
  }
}
