import type { Happening } from '../../src/shared/inspection.ts'
import type { Status } from '../../src/shared/status.ts'
import type { Platform } from './platform.ts'

/** How many happenings a hub keeps. */
const KEPT = 200

/** The parts of a status whose changes are told, and the values with which a hub begins: those are no news. */
const BEGINNING = { state: 'idle', role: 'follower', health: 'good', resume: 'fresh', durable: 'true' }
const WATCHED = Object.keys(BEGINNING) as (keyof typeof BEGINNING)[]

/** The last 200 happenings of a hub (I1). The hub keeps them, since whoever looks for a fault comes after it. */
export interface Timeline {
  /**
   * Adds a happening. @param is e.g. the new state, or the kind of an error @param note e.g. its message; default ''
   */
  add(what: Happening['what'], is: string, note?: string): void
  /** Adds the parts of the status that have changed. */
  status(status: Status): void
  /** The newest `count` happenings, the oldest of them first. */
  newest(count: number): Happening[]
}

/** @param incarnation the random id of the hub, told as its beginning */
export const createTimeline = ({ now }: Pick<Platform, 'now'>, incarnation: string): Timeline => {
  let kept: Happening[] = []
  const last = { ...BEGINNING }

  const add: Timeline['add'] = (what, is, note = '') => {
    const newest = kept.at(-1)
    // A storm of one error, or a reset that is told to fifty tabs, must not push out the happenings that led to it.
    if (newest?.what === what && newest.is === is && newest.note === note) newest.times++
    else kept = [...kept.slice(1 - KEPT), { at: now(), what, is, note, times: 1 }]
  }
  add('hub', 'began', incarnation)

  return {
    add,
    status(status) {
      for (const what of WATCHED) {
        const is = String(status[what])
        if (is === last[what]) continue
        last[what] = is
        add(what, is)
      }
    },
    newest: (count) => (count > 0 ? kept.slice(-count) : []),
  }
}
