import { ownOf } from '../../src/shared/control.ts'
import { type Cursor, type Follow, followKey, type Types } from '../../src/shared/events.ts'
import { type CommitWaitOptions, createCommitWait } from './commit-wait.ts'

export interface FollowingOptions extends CommitWaitOptions {
  follow: Follow
  /** The tab has joined these topics at its cursor. */
  onJoined(names: string[]): void
}

/**
 * What a tab follows. A tab joins a type or a topic only at a place that is committed (D1). Otherwise it might hear two
 * events of the type in the wrong order. It would hear the newer one, and the hub would die before it commits. The next
 * hub would get both again, and deliver the older one, which the tab had not followed before.
 */
export interface Following {
  /** What is delivered now, and its `followKey`. */
  present(): { follow: Follow; key: string }
  /** What the tab has asked for, whether or not it has joined all of that yet. */
  asked(): Follow
  ask(follow: Follow): void
  /** Whether the tab is still to join types of this topic (`null`: of those without one). */
  isJoining(topic: string | null): boolean
  /** Joins what was asked for, if the tab may at this cursor. @returns whether the tab still has to wait */
  mustWait(cursor: Cursor): boolean
}

/** Whether `wider` has a type that `types` has not. */
const isWider = (wider: Types, types: Types): boolean =>
  types !== '*' && (wider === '*' || wider.some((type) => !types.includes(type)))

/** The topics of `wider` that are new to `follow`, or of which it has more types. */
const widerTopics = (wider: Follow, follow: Follow): string[] =>
  Object.entries(wider.topics).flatMap(([name, types]) => {
    const its = ownOf(follow.topics, name)
    return its === undefined || isWider(types, its) ? [name] : []
  })

export const createFollowing = ({ follow, onJoined, ...deps }: FollowingOptions): Following => {
  const wait = createCommitWait(deps)
  const keyed = (follow: Follow) => ({ follow, key: followKey(follow) })
  /** Even a tab that comes from another hub, where its topics were live, has to join them here (TO2). */
  let present = keyed({ ...follow, topics: {} })
  /** What the tab is to join; `null`: it has joined what it asked for. */
  let joining: Follow | null = Object.keys(follow.topics).length > 0 ? follow : null

  const apply = (next: Follow) => {
    const joined = Object.keys(next.topics).filter((name) => !Object.hasOwn(present.follow.topics, name))
    present = keyed(next)
    joining = null
    if (joined.length > 0) onJoined(joined)
  }

  return {
    present: () => present,
    asked: () => joining ?? present.follow,
    ask(next) {
      const { follow } = present
      if (isWider(next.types, follow.types) || widerTopics(next, follow).length > 0) joining = next
      else apply(next)
    },
    isJoining(topic) {
      const typesOf = ({ types, topics }: Follow) => (topic === null ? types : (ownOf(topics, topic) ?? []))
      return joining !== null && isWider(typesOf(joining), typesOf(present.follow))
    },
    mustWait(cursor) {
      if (joining === null) return false
      if (!wait.isOver(cursor)) return true
      apply(joining)
      return false
    },
  }
}
