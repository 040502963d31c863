import type { Credentials } from '../auth/credentials.ts'
import { LONGEST_TIMER, type Platform } from '../base/platform.ts'

export interface RenewalOptions {
  platform: Pick<Platform, 'now' | 'after'>
  credentials: Pick<Credentials, 'get' | 'settled'>
  /** ms since 1970, when the credential of the present stream is to be replaced. */
  renewAt: number
  /** There is another credential, and the stream is to be reopened with it. */
  onRenewed(): void
}

export interface Renewal {
  close(): void
}

/**
 * A2: the next token is obtained while the old stream still runs. If none is to be had, the stream is kept for as
 * long as the server lets it live.
 */
export const watchRenewal = ({ platform, credentials, renewAt, onRenewed }: RenewalOptions): Renewal => {
  let closed = false
  let cancel = () => {}

  const renew = async () => {
    const credential = await credentials.get()
    if (closed || !credential.ok) return
    // A timer may fire a little early by the wall clock: the credential is still the old one.
    if (credential.renewAt === renewAt) {
      credentials.settled()
      schedule()
    } else onRenewed()
  }
  const schedule = () => {
    const ms = renewAt - platform.now()
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
