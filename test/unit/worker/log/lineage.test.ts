import { describe, expect, it } from 'vitest'
import { agreesUpTo, sharedUpTo } from '../../../../worker/log/lineage.ts'

/** Leaders by name, and where each went on. */
const lineage = (...leaders: [string, number][]) =>
  leaders.map(([leader, startsAfter]) => ({ leader, startsAfter, lastEventId: '' }))

describe('L3 up to where two logs are one', () => {
  it.each([
    ['the same leader’s: all of it', lineage(['a', 0]), lineage(['a', 0]), Number.POSITIVE_INFINITY],
    ['one goes on from the other: where the next began', lineage(['a', 0], ['b', 5]), lineage(['a', 0]), 5],
    [
      'both went on: where the first of them did',
      lineage(['a', 0], ['b', 5]),
      lineage(['a', 0], ['c', 3]),
      3,
    ],
    ['a later one went on with less', lineage(['a', 0], ['b', 5], ['c', 2]), lineage(['a', 0]), 2],
    ['the last leader in common counts', lineage(['a', 0], ['b', 5], ['c', 9]), lineage(['b', 5]), 9],
    ['none in common', lineage(['a', 0]), lineage(['b', 0]), null],
    ['nothing is known of one', lineage(['a', 0]), lineage(), null],
  ])('%s', (_, one, other, shared) => {
    expect([sharedUpTo(one, other), sharedUpTo(other, one)]).toEqual([shared, shared])
  })
})

describe('L3 up to where what was heard is part of a log', () => {
  const position = { term: 3, leader: 'b', leaders: lineage(['a', 0], ['b', 5]) }
  const heard = (term: number, ...leaders: [string, number][]) => ({
    term,
    leaders: lineage(...leaders),
    committedUpTo: 2,
    lastEventId: null,
    streamClient: '',
  })

  it.each([
    ['the same leader: all of it', position, heard(3, ['a', 0], ['b', 5]), Number.POSITIVE_INFINITY],
    ['the leader before: where the present one went on', position, heard(2, ['a', 0]), 5],
    ['a leader that the log does not know: what was said to be committed', position, heard(3, ['x', 0]), 2],
    ['a later leader: all of it, perhaps', position, heard(4, ['x', 0]), Number.POSITIVE_INFINITY],
    [
      'a log without a leader: all of it, perhaps',
      { ...position, leader: '' },
      heard(3, ['x', 0]),
      Number.POSITIVE_INFINITY,
    ],
  ])('%s', (_, where, what, upTo) => {
    expect(agreesUpTo(where, what)).toBe(upTo)
  })
})
