/**
 * Whether the position goes along with the next attempt (S7). A server may refuse a position that it no longer knows,
 * with whatever status; one of another origin may not allow the header that carries it, which shows as no answer at
 * all. An attempt without the position tells what it is:
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
 * A server that is merely back by then costs nobody a reset: it takes the position when that is tried once more.
 */
export type Trust =
  /** So many refusals in a row, all of one kind. */
  | { state: 'trusted'; refusals: number; by: Refusal }
  /** The next attempt goes without the position, and is ended as soon as it opens. */
  | { state: 'probing' | 'confirming'; by: Refusal }
  /** The server refuses the position: it is given up once a stream opens without it. */
  | { state: 'lost' }
  /** The server's origin allows no header for it: every stream begins without it, and with a reset. */
  | { state: 'unsendable' }

/** How an attempt with the position was refused: `answered` by a status, `unreachable` by no answer. */
export type Refusal = 'answered' | 'unreachable'

/** What an attempt came to, as far as the position goes. */
export type Reception = 'opened' | Refusal | 'other'

/** Refusals in a row after which an attempt without the position is made. */
const DOUBT_AFTER = 3

export const TRUSTED: Trust = { state: 'trusted', refusals: 0, by: 'answered' }

/** Whether the next attempt sends the position. */
export const sendsPosition = ({ state }: Trust): boolean => state === 'trusted' || state === 'confirming'

/**
 * What is to be thought of the position after an attempt. Pure.
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

/** Answers that say something else than "not from this position": of the token, the user, the time or the number. */
const NO_REFUSALS = [401, 403, 408, 425, 429]

/** Whether an answer may mean that the server does not take the position. */
export const isRefusal = (status: number): boolean => status >= 400 && !NO_REFUSALS.includes(status)
