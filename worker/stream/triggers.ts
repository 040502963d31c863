import type { Platform } from '../base/platform.ts'
import { offlineDelay } from './backoff.ts'
import type { ConnectionEvent, Phase, Wait } from './connection-state.ts'

/** ms between looks at whether the browser is online again. */
const ONLINE_LOOK = 2_000

export interface TriggersOptions {
  platform: Platform
  phase(): Phase
  enter(event: ConnectionEvent, given?: { wait: Wait }): void
  /** Tries now, as if for the first time: `Connection.retry`. */
  retry(): void
  /** In `unauthorized`: asks the credentials now. */
  lookForCredential(): void
  /** Sets the timers of the phase anew: they stood still while the machine slept. */
  reschedule(): void
}

/** What hurries the next attempt, or delays it, beside the backoff (S5). */
export interface Triggers {
  /** A tab was looked at: an attempt that waits is made now, unless the server named the time. */
  nudge(): void
  /** A tab came, perhaps with a better token: a stream that had failed or ended is tried again as well. */
  welcome(): void
  /** The machine slept: an open stream is checked for silence. An attempt that waits is made now, as by `nudge`. */
  wake(): void
  /**
   * The state is `offline`. Looks whether the browser is online again every 2 s, since a worker may not be told (seen
   * with DevTools' offline mode).
   */
  lookForNetwork(after: (ms: number, run: () => void) => void): void
  close(): void
}

export const createTriggers = (deps: TriggersOptions): Triggers => {
  const { platform, enter } = deps
  const waitOf = (phase: Phase): Wait | null => ('wait' in phase ? phase.wait : null)

  const nudge = () => {
    const phase = deps.phase()
    if (waitOf(phase)?.isTold === false) enter('retry')
    else if (phase.state === 'unauthorized') deps.lookForCredential()
  }

  const cameOnline = () => {
    const wait = waitOf(deps.phase())
    if (wait?.isTold) enter('lost', { wait })
    else if (wait !== null) enter('online')
    else nudge()
  }
  const wentOffline = () => {
    const wait = waitOf(deps.phase())
    if (wait === null) return
    const until = Math.max(wait.until, platform.now() + offlineDelay(0, platform.random()))
    enter('offline', { wait: { ...wait, until } })
  }
  const stopListening = platform.onConnectivity(() => (platform.isOnline() ? cameOnline() : wentOffline()))

  return {
    nudge,
    welcome() {
      const { state } = deps.phase()
      if (state === 'failed' || state === 'closed') deps.retry()
      else nudge()
    },
    wake() {
      const phase = deps.phase()
      const wait = waitOf(phase)
      if ('attempt' in phase) phase.attempt.checkHeartbeat()
      else if (wait?.isTold && wait.until > platform.now()) deps.reschedule()
      else if (wait !== null) enter('retry')
      else nudge()
    },
    lookForNetwork(after) {
      const look = () => after(ONLINE_LOOK, () => (platform.isOnline() ? cameOnline() : look()))
      look()
    },
    close: stopListening,
  }
}
