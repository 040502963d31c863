import { describe, expect, it } from 'vitest'
import { createNewestKnown } from '../../../../worker/leadership/newest-known.ts'

const lineage = (term: number) => ({
  term,
  leaders: [],
  committedUpTo: 0,
  lastEventId: `of term ${term}`,
  streamClient: 'client',
})
const pointOf = (term: number) => ({ cursor: { epoch: `epoch ${term}`, seq: 7 }, lineage: lineage(term) })

/** A hub whose own log is of that term. */
const open = (term: number) =>
  createNewestKnown({
    position: () => ({
      term,
      leader: '',
      leaders: [],
      epoch: `epoch ${term}`,
      head: 7,
      lastEventId: '',
      previous: null,
      epochStart: 0,
      streamClient: 'client',
    }),
    lineage: () => lineage(term),
  } as unknown as Parameters<typeof createNewestKnown>[0])

describe('what a hub knows of others', () => {
  it('L3 keeps the newest log that it was told of, and names its own where that is newer', () => {
    const known = open(3)
    expect([known.isTold(), known.logPoint()]).toEqual([false, pointOf(3)])
    known.heed(pointOf(2))
    expect([known.isTold(), known.logPoint()]).toEqual([true, pointOf(3)])
    known.heed(pointOf(5))
    known.heed(pointOf(4))
    expect(known.logPoint()).toEqual(pointOf(5))
  })

  it('L3 a next term is above every one that was heard of or told of', () => {
    const known = open(0)
    known.heardOf(4)
    known.heardOf(2)
    expect([known.term(), known.termToExceed()]).toEqual([4, 4])
    known.heed(pointOf(6))
    expect([known.term(), known.termToExceed()]).toEqual([4, 6])
  })

  it('forgets with its last tab what it was told, and not which terms there have been', () => {
    const known = open(0)
    known.heardOf(4)
    known.heed(pointOf(6))
    known.forget()
    expect([known.isTold(), known.termToExceed(), known.logPoint()]).toEqual([false, 4, pointOf(0)])
  })
})
