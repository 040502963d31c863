import type { ErrorData } from '../src/shared/status.ts'
import { withLimit } from '../src/shared/with-limit.ts'
import { type Platform, pause } from './base/platform.ts'
import { refusal } from './refusal.ts'
import type { Session } from './tabs/session.ts'
import type { Parts } from './wiring.ts'

/** ms for a tab to hear that it is signed out. */
const TELL_LIMIT = 1_000
/** ms for the other hubs to end. */
const OTHERS_LIMIT = 3_000
/** ms between two looks at whether the other hubs have ended. */
const OTHERS_LOOK = 50
/** ms for the database to be deleted. */
const DELETE_LIMIT = 3_000

interface Taken {
  parts: Parts | null
  sessions: Session[]
}

export interface SignOutOptions {
  platform: Platform
  /**
   * Takes the stream and its tabs away from the hub: a tab that attaches from here on begins afresh.
   *
   * @returns `parts: null` where there is no stream, or a sign-out under way has taken it
   */
  take(): Taken
  deleteStore(): Promise<void>
}

/** A4: the stream of a key ends for all of its tabs, in all of its hubs. */
export interface SignOut {
  /** Settles once the sign-out that is under way is done, for which a new tab waits; `null`: none is under way. */
  underWay(): Promise<ErrorData | null> | null
  /** Another hub of the key has signed out: this hub ends its stream and its tabs. */
  here(): void
  /**
   * A tab of this hub signs out. Takes at most some seconds, since the user waits.
   *
   * @returns what this hub could not make sure of; `null`: the stream has ended everywhere
   */
  everywhere(): Promise<ErrorData | null>
}

export const createSignOut = ({ platform, take, deleteStore }: SignOutOptions): SignOut => {
  let underWay: Promise<ErrorData | null> | null = null

  const endHere = async (parts: Parts, sessions: Session[]) => {
    const ended = parts.close('discard')
    for (const session of sessions) session.close()
    await Promise.all([
      ended,
      // A frozen tab drops by itself what reaches it late (attachment.ts).
      ...sessions.map((each) => withLimit(platform, each.signOut(), TELL_LIMIT).catch(() => {})),
    ])
  }

  const begin = (
    { parts, sessions }: Taken,
    then: () => Promise<ErrorData | null>,
  ): Promise<ErrorData | null> => {
    const all = Promise.resolve(parts === null ? underWay : endHere(parts, sessions))
      .then(then)
      .finally(() => {
        if (underWay === all) underWay = null
      })
    underWay = all
    return all
  }

  const othersHaveEnded = async ({ leadership }: Parts): Promise<boolean> => {
    for (let waited = 0; waited < OTHERS_LIMIT; waited += OTHERS_LOOK) {
      if (await leadership.isAbandoned()) return true
      await pause(platform, OTHERS_LOOK)
    }
    return leadership.isAbandoned()
  }

  return {
    underWay: () => underWay,
    here: () => void begin(take(), async () => null),
    everywhere() {
      const taken = take()
      const { parts } = taken
      parts?.leadership.signOut()
      return begin(taken, async () => {
        const alone = parts === null || (await othersHaveEnded(parts))
        const deleted = await withLimit(platform, deleteStore(), DELETE_LIMIT).then(
          () => true,
          () => false,
        )
        if (!alone)
          return refusal(
            'worker',
            'Signed out here, but another worker of this stream, perhaps a frozen one, did not answer.',
            platform.now(),
          )
        if (!deleted)
          return refusal(
            'storage',
            'Signed out, but the database is still in use: the browser deletes it once nobody uses it any more.',
            platform.now(),
          )
        return null
      })
    },
  }
}
