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
  /** Whether the position is a header for which a server of another origin has to be asked first. */
  needsPreflight: boolean
}

/** What each request says of the position, and what the answers mean for it (S7). */
export interface PositionKeeper {
  /** The position that the next request asks to resume after; `''`: there is none, or it is withheld. */
  ask(): string
  /**
   * A stream opened.
   *
   * @param asked what its request asked for
   * @returns `probe`: it was only to show whether the server opens without the position, and is to be ended unread; a
   *   reason: it goes on from elsewhere than the log stands, so that the log starts over; `null`: all is well
   */
  opened(asked: string): 'probe' | ResetReason | null
  /**
   * An attempt came to nothing.
   *
   * @returns what that proves: the position is `lost` or `unsendable`, hence withheld; `null`: nothing new
   */
  failed(outcome: Outcome): 'lost' | 'unsendable' | null
  /** The position is withheld until a stream opens: the server says that it is gone (410), or the application does. */
  giveUp(): void
  /** The application gives the position up: `dropLog()`. */
  drop(): void
  /** Somebody asked to try again: a header that could not be sent may be allowed by now. */
  retry(): void
}

export const createPositionKeeper = ({ log, needsPreflight }: PositionKeeperOptions): PositionKeeper => {
  let trust: Trust = TRUSTED
  /** The application has given up a position, and no stream has opened since. */
  let isDropped = false

  const receptionOf = (outcome: Outcome): Reception => {
    if (outcome.type === 'answered' && isRefusal(outcome.status)) return 'answered'
    return outcome.type === 'unreachable' && needsPreflight ? 'unreachable' : 'other'
  }

  return {
    ask: () => (sendsPosition(trust) ? log.lastEventId() : ''),
    opened(asked) {
      const position = log.lastEventId()
      const isProbe = trust.state === 'probing'
      trust = afterAttempt(trust, 'opened', position !== '')
      if (isProbe) return 'probe'
      const wasDropped = isDropped
      isDropped = false
      if (asked !== '') return null
      return wasDropped ? 'dropped' : position !== '' ? 'position-lost' : null
    },
    failed(outcome) {
      const before = trust
      trust = afterAttempt(before, receptionOf(outcome), log.lastEventId() !== '')
      const { state } = trust
      return state !== before.state && (state === 'lost' || state === 'unsendable') ? state : null
    },
    giveUp() {
      trust = { state: 'lost' }
    },
    drop() {
      if (log.lastEventId() === '') return
      isDropped = true
      if (trust.state !== 'unsendable') trust = TRUSTED
    },
    retry() {
      if (trust.state === 'unsendable') trust = TRUSTED
    },
  }
}
