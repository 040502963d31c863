import type { ResetReason } from '../../src/shared/events.ts'
import type { Log } from '../log/log.ts'
import {
  afterAttempt,
  isRefusal,
  type Reception,
  sendsPosition,
  TRUSTED,
  type Trust,
} from './position-trust.ts'
import type { Outcome } from './transport.ts'

export interface PositionKeeperOptions {
  log: Pick<Log, 'lastEventId'>
  /** Whether the server is of another origin: no script can read an answer without CORS headers. */
  isOtherOrigin: boolean
  /** Whether the position goes into a header, which needs a preflight at another origin. */
  isHeader: boolean
}

/** What each request says of the position, and what the answers mean for it (S7). */
export interface PositionKeeper {
  /** The position that the next request resumes after; `''`: the log has none, or this file withholds it. */
  ask(): string
  /**
   * A stream opened.
   *
   * @param asked the position that its request asked to resume after
   * @returns `probe`: the stream only had to show whether the server opens one without the position, and is to be ended
   *   unread. A reason: the stream does not go on from where the log stands, so that the log starts over. `null`: all
   *   is well.
   */
  opened(asked: string): 'probe' | ResetReason | null
  /** With this opening the log started over, without a position. */
  startedOver(): void
  /**
   * An attempt came to nothing.
   *
   * @returns what that proves: the position is `lost` or `unsendable`, and withheld from now on; `null`: nothing new
   */
  failed(outcome: Outcome): 'lost' | 'unsendable' | null
  /**
   * Withholds the position until a stream opens: the server says that it is gone (410), or the application drops it.
   */
  giveUp(): void
  /** The application gives up the position, by `dropLog()`. */
  drop(): void
  /** `reconnect()`: the server may allow by now a header that could not be sent before. */
  retry(): void
}

export const createPositionKeeper = ({
  log,
  isOtherOrigin,
  isHeader,
}: PositionKeeperOptions): PositionKeeper => {
  let trust: Trust = TRUSTED
  /**
   * Why the log starts over if the next opening has no position to ask for: what came before it is lost. The application
   * has dropped a position, or the log has started over already, and the stream ended before its first id.
   */
  let owed: ResetReason | null = null

  /** Whether a request with the position may fail for its header alone, since none has passed. */
  let mayLackHeader = isOtherOrigin && isHeader

  const receptionOf = (outcome: Outcome): Reception => {
    if (outcome.type === 'answered' && isRefusal(outcome.status)) return 'answered'
    if (outcome.type !== 'unreachable' || !isOtherOrigin) return 'other'
    // Servers leave the CORS headers out of their errors. Then a refusal by a status shows as no answer.
    return mayLackHeader ? 'unreachable' : 'answered'
  }

  return {
    ask: () => (sendsPosition(trust) ? log.lastEventId() : ''),
    opened(asked) {
      const position = log.lastEventId()
      const isProbe = trust.state === 'probing'
      trust = afterAttempt(trust, 'opened', position !== '')
      if (isProbe) return 'probe'
      const reason = owed ?? (position === '' ? null : 'position-lost')
      owed = null
      if (asked !== '') {
        mayLackHeader = false
        return null
      }
      return reason
    },
    startedOver() {
      owed = 'position-lost'
    },
    failed(outcome) {
      const before = trust
      trust = afterAttempt(before, receptionOf(outcome), log.lastEventId() !== '')
      const { state } = trust
      // Should no request with a later position pass, then the header may be at fault after all.
      if (state === 'lost') mayLackHeader = isOtherOrigin && isHeader
      return state !== before.state && (state === 'lost' || state === 'unsendable') ? state : null
    },
    giveUp() {
      trust = { state: 'lost' }
    },
    drop() {
      if (log.lastEventId() === '') return
      owed = 'dropped'
      if (trust.state !== 'unsendable') trust = TRUSTED
    },
    retry() {
      if (trust.state === 'unsendable') trust = TRUSTED
    },
  }
}
