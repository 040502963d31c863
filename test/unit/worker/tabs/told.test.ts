import { describe, expect, it } from 'vitest'
import type { LeaderRecord, Lineage } from '../../../../src/shared/protocol.ts'
import type { Position } from '../../../../worker/log/store.ts'
import { createTold } from '../../../../worker/tabs/told.ts'

const leaders = (...list: [string, number][]): LeaderRecord[] =>
  list.map(([leader, startsAfter]) => ({ leader, startsAfter, lastEventId: '' }))

/** A log whose leaders change. */
const openTold = (seq = 10) => {
  let present: LeaderRecord[] = leaders(['a', 0])
  const lineage = (at = 0): Lineage => ({
    term: present.length,
    leaders: present,
    committedUpTo: 4,
    lastEventId: `id at ${at}`,
    streamClient: 'client',
  })
  const position = () =>
    ({ term: present.length, leader: present.at(-1)!.leader, leaders: present }) as Position
  return {
    told: createTold({ lineage, position }, { lineage: lineage(seq), seq }),
    /** Another leader goes on from `startsAfter`. */
    change(leader: string, startsAfter: number) {
      present = [...present, ...leaders([leader, startsAfter])]
    },
  }
}

describe('what a tab has been told of its log', () => {
  it('the leaders go along with a batch only where they are others', () => {
    const { told, change } = openTold()
    expect(told.stamp(11)).toMatchObject({
      term: 1,
      leaders: null,
      committedUpTo: 4,
      lastEventId: 'id at 11',
    })
    change('b', 11)
    expect(told.stamp(12, 'own')).toMatchObject({ leaders: leaders(['a', 0], ['b', 11]), lastEventId: 'own' })
    expect(told.stamp(13).leaders).toBeNull()
  })

  it('D2 a tab that has had more than the next leader is told from where the log goes on, once', () => {
    const { told, change } = openTold(10)
    expect(told.rewind()).toBeNull()
    change('b', 7)
    expect(told.truncate()).toBe(7)
    expect(told.rewind()).toEqual({ seq: 7, id: 'id at 7' })
    told.stamp(12)
    expect(told.rewind()).toBeNull()
  })

  it('D2 of several leaders since, the one that went on from the least counts', () => {
    const { told, change } = openTold(10)
    change('b', 7)
    told.truncate()
    change('c', 9)
    expect([told.truncate(), told.rewind()?.seq]).toEqual([7, 7])
  })

  it('D2 a tab that has had no more than the next leader need not know', () => {
    const { told, change } = openTold(5)
    change('b', 7)
    expect([told.truncate(), told.rewind()]).toEqual([7, null])
  })

  it('D2 a batch that was in flight when the leader changed takes the tab no further than the log goes', () => {
    const { told, change } = openTold(5)
    told.stamp(10)
    change('b', 7)
    told.truncate()
    expect(told.took(10)).toBe(7)
    expect([told.seq(), told.rewind()?.seq]).toEqual([10, 7])
  })
})
