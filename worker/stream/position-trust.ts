/**
 * Whether the next attempt sends the position (S7). A server may refuse a position that it no longer knows, with
 * whatever status. A server of another origin may not allow the header that carries the position, which shows as no
 * answer at all. An attempt without the position tells whether the position is the cause:
 *
 * ```
 *                three refusals in a row             it opens: ended unread
 *   trusted ------------------------------> probing ----------------------> confirming
 *      ^                                       | anything else                  |
 *      +---------------------------------------+                                |
 *      +-------------------------- anything but one more refusal ---------------+
 *                                                                               | one more refusal
 *                                     lost (answered), unsendable (unreachable) <-+
 * ```
 *
 * The server may merely have come back by then. So the position is tried once more, and nobody gets a reset in vain.
 */
export type Trust =
  /** The next attempt sends the position. So many attempts in a row were refused, all in one way. */
  | { state: 'trusted'; refusals: number; by: Refusal }
  /** The next attempt goes without the position if probing, and with it if confirming. A probe ends once it opens. */
  | { state: 'probing' | 'confirming'; by: Refusal }
  /** The server refuses the position. The log gives it up once a stream opens without it. */
  | { state: 'lost' }
  /** The server allows no header for the position. Each stream begins without it, and with a reset. */
  | { state: 'unsendable' }

/** How the server refused an attempt with the position: `answered` with a status, or `unreachable`. */
export type Refusal = 'answered' | 'unreachable'

/** What an attempt came to, as far as the position goes. */
export type Reception = 'opened' | Refusal | 'other'

/** Refusals in a row after which an attempt without the position is made. */
const DOUBT_AFTER = 3

export const TRUSTED: Trust = { state: 'trusted', refusals: 0, by: 'answered' }

/** Whether the next attempt sends the position. */
export const sendsPosition = ({ state }: Trust): boolean => state === 'trusted' || state === 'confirming'

/**
 * How far to trust the position after an attempt. Pure.
 *
 * @param hadPosition whether there was a position at all
 */
export const afterAttempt = (trust: Trust, reception: Reception, hadPosition: boolean): Trust => {
  switch (trust.state) {
    case 'trusted': {
      if (!hadPosition || reception === 'opened' || reception === 'other') return TRUSTED
      const refusals = reception === trust.by ? trust.refusals + 1 : 1
      return refusals < DOUBT_AFTER
        ? { state: 'trusted', refusals, by: reception }
        : { state: 'probing', by: reception }
    }
    case 'probing':
      return reception === 'opened' ? { state: 'confirming', by: trust.by } : TRUSTED
    case 'confirming':
      if (reception !== trust.by) return TRUSTED
      return { state: reception === 'answered' ? 'lost' : 'unsendable' }
    case 'lost':
      return reception === 'opened' ? TRUSTED : trust
    case 'unsendable':
      return trust
  }
}

/** Statuses that do not speak of the position, but of the token, the user, the time or the number of streams. */
const NO_REFUSALS = [401, 403, 408, 425, 429]

/** Whether an answer may mean that the server does not take the position. */
export const isRefusal = (status: number): boolean => status >= 400 && !NO_REFUSALS.includes(status)
