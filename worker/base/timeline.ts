import type { Happening } from '../../src/shared/inspection.ts'
import type { Status } from '../../src/shared/status.ts'
import type { Platform } from './platform.ts'

const KEPT = 200

/** What of a status is told when it changes, and what a hub begins with, which is not news. */
const BEGINNING = { state: 'idle', role: 'follower', health: 'good', resume: 'fresh', durable: 'true' }
const WATCHED = Object.keys(BEGINNING) as (keyof typeof BEGINNING)[]

export type Timeline = ReturnType<typeof createTimeline>

/** The last happenings of a hub, kept by it: whoever looks comes after the fault (I1). */
export const createTimeline = ({ now }: Pick<Platform, 'now'>, incarnation: string) => {
  let kept: Happening[] = []
  const last = { ...BEGINNING }

  const add = (what: Happening['what'], is: string, note = '') => {
    const newest = kept.at(-1)
    // A storm of one error, or a reset that is told to fifty tabs, must not push out what led to it.
    if (newest?.what === what && newest.is === is && newest.note === note) newest.times++
    else kept = [...kept.slice(1 - KEPT), { at: now(), what, is, note, times: 1 }]
  }
  add('hub', 'began', incarnation)

  return {
    add,
    status(status: Status) {
      for (const what of WATCHED) {
        const is = String(status[what])
        if (is === last[what]) continue
        last[what] = is
        add(what, is)
      }
    },
    newest: (count: number): Happening[] => (count > 0 ? kept.slice(-count) : []),
  }
}
