import type { Cursor } from '../../src/shared/events.ts'
import type { SharedLoadInspection } from '../../src/shared/inspection.ts'
import type { Place, ShareNeed } from '../../src/shared/protocol.ts'
import type { Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import { sizeOfValue } from './size-of-value.ts'

/** Characters, of all results that are kept. */
const MOST_SIZE = 5 * 1024 * 1024
const MOST_RESULTS = 200
/** ms for which a result is kept that belongs to one event. */
const KEPT_FOR = 60_000

/** A load that began at `place` has all that a caller needs whose need is this. */
export const meets = (place: Cursor, need: Cursor | null): boolean =>
  need === null || (need.epoch === place.epoch && need.seq <= place.seq)

export interface Result {
  value: unknown
  /** The log's head when the load began. */
  place: Place
}

/** What loads gave, for callers that come later (ST5). In memory, for as long as the hub lives. */
export interface KeptResults {
  /** @returns `null`: none will do */
  find(key: string, need: ShareNeed): Result | null
  /** @param kept as the callers asked. A result that replaces one is kept as that one was, at least. */
  keep(key: string, result: Result, kept: ShareNeed['kept']): void
  inspect(): SharedLoadInspection[]
}

interface Kept extends Result {
  kept: 'event' | 'state'
  size: number
  /** In ms since 1970. */
  at: number
}

export const createKeptResults = (
  log: Pick<Log, 'first' | 'position'>,
  { now }: Pick<Platform, 'now'>,
): KeptResults => {
  /** The newest at the end. */
  const results = new Map<string, Kept>()

  /** Whether this log still has all that came after the place. */
  const reaches = ({ epoch, seq, leader }: Place): boolean => {
    const { leaders, epoch: present } = log.position()
    const after = leaders[leaders.findIndex((each) => each.leader === leader) + 1]
    // Another leader's log may go on from before the place (L3).
    return epoch === present && seq >= log.first() - 1 && (after === undefined || after.startsAfter >= seq)
  }
  // A clock that was set back makes nothing last.
  const isFresh = ({ kept, place, at }: Kept) =>
    kept === 'state' ? reaches(place) : Math.abs(now() - at) < KEPT_FOR

  const sweep = () => {
    for (const [key, each] of results) if (!isFresh(each)) results.delete(key)
    let size = 0
    let count = 0
    for (const [key, each] of [...results].reverse()) {
      size += each.size
      if (size > MOST_SIZE || ++count > MOST_RESULTS) results.delete(key)
    }
  }

  return {
    find(key, { at, kept }) {
      const found = results.get(key)
      return kept !== 'none' && found !== undefined && isFresh(found) && meets(found.place, at) ? found : null
    },
    keep(key, result, asked) {
      const before = results.get(key)
      const kept = asked === 'state' || before?.kept === 'state' ? 'state' : (before?.kept ?? asked)
      results.delete(key)
      const size = sizeOfValue(result.value, MOST_SIZE)
      if (kept !== 'none' && size <= MOST_SIZE) results.set(key, { ...result, kept, size, at: now() })
      sweep()
    },
    inspect() {
      sweep()
      return [...results].map(
        ([
          key,
          {
            size,
            place: { seq },
          },
        ]) => ({ key, state: 'kept', tabs: 0, seq, size }),
      )
    },
  }
}
