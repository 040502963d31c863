import { type Cursor, type Follow, followKey } from '../../src/shared/events.ts'
import type { Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'

/**
 * The most ms that a tab waits to join: a leader without IndexedDB never commits, and a follower may have come too late
 * to hear of a commit. Leaders commit every 100 ms.
 */
const JOIN_LIMIT = 500

export interface FollowingOptions {
  platform: Pick<Platform, 'after' | 'now'>
  log: Pick<Log, 'epoch' | 'committed' | 'isDurable' | 'awaitCommit'>
  follow: Follow
  /** The tab may join now. */
  onChange(): void
}

/**
 * What a tab follows. A tab joins a type only at a place that is committed (D1). Otherwise it might hear two events of
 * the type in the wrong order. It would hear the newer one, and the hub would die before it commits. The next hub would
 * get both again, and deliver the older one, which the tab had not followed before.
 */
export interface Following {
  /** The types that are delivered now, and their `followKey`. */
  present(): { types: Follow; key: string }
  /** The types that the tab has asked for, whether or not it has joined them yet. */
  asked(): Follow
  ask(types: Follow): void
  /** Joins the types that were asked for, if the tab may at this cursor. @returns whether the tab still has to wait */
  mustWait(cursor: Cursor): boolean
}

/** Whether `wider` has a type that `follow` has not. */
const isWider = (wider: Follow, follow: Follow): boolean =>
  follow !== '*' && (wider === '*' || wider.some((type) => !follow.includes(type)))

export const createFollowing = ({ platform, log, follow, onChange }: FollowingOptions): Following => {
  let present = { types: follow, key: followKey(follow) }
  /** The types that the tab is to join. `by`: it waits until then at the latest; `null`: it has not had to wait yet. */
  let joining: { types: Follow; by: number | null } | null = null

  const apply = (types: Follow) => {
    present = { types, key: followKey(types) }
    joining = null
  }

  return {
    present: () => present,
    asked: () => joining?.types ?? present.types,
    ask(types) {
      if (isWider(types, present.types)) joining = { types, by: joining?.by ?? null }
      else apply(types)
    },
    mustWait({ epoch, seq }) {
      if (joining === null) return false
      const { types, by } = joining
      const isSettled = epoch !== log.epoch() || seq <= log.committed() || !log.isDurable()
      if (isSettled || (by !== null && platform.now() >= by)) {
        apply(types)
        return false
      }
      if (by === null) {
        joining = { types, by: platform.now() + JOIN_LIMIT }
        platform.after(JOIN_LIMIT, onChange)
      }
      log.awaitCommit()
      return true
    },
  }
}
