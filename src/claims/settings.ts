import type { ClaimOptions } from '../claim-options.ts'
import type { PageClaim } from '../shared/claims.ts'

const TIMEOUT = 30_000
const ATTEMPTS = 5
const LONGEST_NAME = 200
/** The most ms that a timer can run. */
const LONGEST_TIMER = 2 ** 31 - 1

/** What the hub is told of a claim's options. @throws TypeError a mistake of the caller's */
export const settingsOf = ({
  mode,
  name,
  timeout = TIMEOUT,
  attempts = ATTEMPTS,
  missed = mode === 'at-most-once' ? 'skip' : 'handle',
}: ClaimOptions): Pick<PageClaim, 'mode' | 'timeout' | 'attempts' | 'missed'> => {
  const refuse = (what: string): never => {
    throw new TypeError(`claim(): ${what}.`)
  }
  if (name !== undefined && (typeof name !== 'string' || name.length > LONGEST_NAME))
    refuse(`name is a string of at most ${LONGEST_NAME} characters`)
  if (!(timeout > 0 && timeout <= LONGEST_TIMER)) refuse('timeout is a number of ms above 0')
  if (!(Number.isInteger(attempts) && attempts > 0)) refuse('attempts is a whole number above 0')
  if (missed !== 'skip' && missed !== 'handle') refuse("missed is 'skip' or 'handle'")
  return { mode, timeout, attempts, missed }
}
