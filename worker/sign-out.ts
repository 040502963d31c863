import type { ErrorData } from '../src/shared/status.ts'
import { type Platform, pause, withLimit } from './base/platform.ts'
import type { Session } from './tabs/session.ts'
import type { Parts } from './wiring.ts'

/** ms for a tab to hear that it is signed out; */
const TELL_LIMIT = 1_000
/** for the other hubs to end, which are looked at this often; */
const OTHERS_LIMIT = 3_000
const OTHERS_LOOK = 50
/** and for the database to be deleted. */
const DELETE_LIMIT = 3_000

export interface SignOutOptions {
  platform: Platform
  sessions: Map<string, Session>
  /** Takes the hub's parts away from it: whoever attaches from here on begins afresh. */
  take(): Parts | null
  deleteStore(): Promise<void>
  refusal(kind: ErrorData['kind'], message: string): ErrorData
}

/** A4: the stream of a key ends for all of its tabs, over all of its hubs. */
export const createSignOut = ({ platform, sessions, take, deleteStore, refusal }: SignOutOptions) => {
  let ending: Promise<ErrorData | null> | null = null

  /** As far as this hub goes: the stream, its token and its log, and the tabs are told. */
  const endHere = async ({ log, credentials, connection, leadership, wake }: Parts) => {
    const told = [...sessions.values()]
    sessions.clear()
    connection.close()
    credentials.close()
    wake.close()
    log.discard()
    for (const session of told) session.close()
    await Promise.all([
      leadership.close(),
      // A tab that is frozen drops by itself what reaches it late (client.ts).
      ...told.map((each) => withLimit(platform, each.signOut(), TELL_LIMIT).catch(() => {})),
    ])
  }

  const begin = (parts: Parts | null, then: () => Promise<ErrorData | null>): Promise<ErrorData | null> => {
    const here = parts === null ? ending : endHere(parts)
    const all = Promise.resolve(here)
      .then(then)
      .finally(() => {
        if (ending === all) ending = null
      })
    ending = all
    return all
  }

  return {
    /** One that is under way; whoever comes meanwhile begins behind it. */
    underWay: () => ending,
    /** Another hub of the key says so. */
    here: () => void begin(take(), async () => null),
    /** Bounded: the tab that asks has other things to do. @returns what was not to be had */
    everywhere(): Promise<ErrorData | null> {
      const parts = take()
      const others = parts?.leadership
      others?.signOut()
      return begin(parts, async () => {
        let alone = others === undefined || (await others.isAbandoned())
        for (let waited = 0; !alone && waited < OTHERS_LIMIT; waited += OTHERS_LOOK) {
          await pause(platform, OTHERS_LOOK)
          alone = await others!.isAbandoned()
        }
        const failure = await withLimit(platform, deleteStore(), DELETE_LIMIT).then(
          () => null,
          () =>
            refusal('storage', 'Signed out, but the database is still in use: it goes when it no longer is.'),
        )
        const heard =
          'Signed out here, but another worker of this stream, perhaps a frozen one, did not answer.'
        return alone ? failure : refusal('worker', heard)
      })
    },
  }
}
