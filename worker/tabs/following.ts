import { type Cursor, type Follow, followKey } from '../../src/shared/events.ts'
import type { Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'

/**
 * ms for which a tab waits until it may join: a leader without IndexedDB commits nothing, and a follower may have come
 * too late to hear of a commit. Leaders commit every 100 ms.
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
 * What a tab follows. It joins a type only at a place that is committed (D1). Else it might hear a newer event of that
 * type first: the hub dies before it commits, and the next hub gets again, and delivers, an older one that the tab did
 * not follow.
 */
export interface Following {
  /** What is delivered now, and its name (`followKey`). */
  present(): { types: Follow; key: string }
  /** What the tab has asked for, whether or not it has joined yet. */
  asked(): Follow
  ask(types: Follow): void
  /** Joins what was asked for, if the tab that stands at this cursor may. @returns whether it still has to wait */
  mustWait(cursor: Cursor): boolean
}

/** Whether `wider` has a type that `follow` has not. */
const isWider = (wider: Follow, follow: Follow): boolean =>
  follow !== '*' && (wider === '*' || wider.some((type) => !follow.includes(type)))

export const createFollowing = ({ platform, log, follow, onChange }: FollowingOptions): Following => {
  let present = { types: follow, key: followKey(follow) }
  /** `by`: it has to wait, and no longer than until then. */
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
