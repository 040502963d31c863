import { describe, expect, it } from 'vitest'
import { sharedUpTo } from '../../../../worker/log/lineage.ts'

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
