import { describe, expect, it } from 'vitest'
import { createRhythm } from '../../../../worker/stream/rhythm.ts'

/** Signs of life by the time since the one before, in s: a number is a keep-alive, one in a list an event. */
type Sign = number | [number]

/** The period, in s, that is known once these have come. */
const periodAfter = (signs: Sign[], kept: number | null = null): number | null => {
  const rhythm = createRhythm(kept && kept * 1_000)
  let at = 0
  rhythm.opened()
  for (const sign of signs) {
    at += (typeof sign === 'number' ? sign : sign[0]) * 1_000
    rhythm.came(typeof sign === 'number' ? 'keep-alive' : 'event', at)
  }
  const period = rhythm.period()
  return period && period / 1_000
}
const times = <T>(count: number, ...signs: T[]): T[] => Array.from({ length: count }, () => signs).flat()

describe('S3 the rhythm that a server shows', () => {
  it.each<[string, Sign[], number | null]>([
    ['nothing came', [], null],
    ['one gap shows none', [0, 15], null],
    ['neither do two', [0, 15, 15], null],
    ['three that agree do', [0, 15, 15, 15], 15],
    ['a server of 40 s', [0, 40, 40, 40], 40],
    ['three that differ show none', [0, 15, 15, 45], null],
    ['the longest of those that differ little', [0, 15, 12, 18], 18],
    ['events alone show none', times(50, [10] as Sign), null],
    ['keep-alives by a timer, with events in between', [0, [4], 11, [14], 1, [7], 8], 15],
    [
      'keep-alives after idle time, with events in between: gaps without an event count',
      [0, ...times(3, [40] as Sign, 15), 15, 15, 15],
      15,
    ],
    [
      'and what lies between events says nothing any more',
      [0, 15, 15, 15, [100], 15, [14], 15, [200], 15],
      15,
    ],
    [
      'keep-alives after idle time alone, with an event before each at random',
      [0, [3], 15, [90], 15, [40], 15],
      null,
    ],
    ['several lines at once are one sign', [0, 0.01, 0.02, 15, 0.01, 15, 0.01, 15, 0.01], 15],
    ['comments in a flood show none', times(50, 0.1), null],
    ['comments that come fast, but not at once, do', times(4, 0.5), 0.5],
    ['a machine that slept says nothing', [0, 15, 15, 40_000, 15], 15],
    ['a clock that is set back says nothing', [0, 15, 15, -3_600, 15], 15],
    ['a longer gap counts at once', [0, 15, 15, 15, 30], 30],
    ['a longer one that differs much does too', [0, 15, 15, 15, 36], 36],
    ['a shorter rhythm counts only once it is sure', [0, ...times(8, 40), ...times(7, 15)], 40],
    ['a shorter rhythm that has lasted', [0, ...times(8, 40), ...times(8, 15)], 15],
  ])('%s', (_, signs, expected) => {
    expect(periodAfter(signs)).toBe(expected)
  })

  it('goes on from what was kept of an earlier stream', () => {
    expect(periodAfter([], 15)).toBe(15)
    expect(periodAfter([0, 15, 15], 15)).toBe(15)
    expect(periodAfter([0, 20], 15)).toBe(20)
  })

  it('is as long as the silence for which a stream was given up, until that explains nothing', () => {
    const rhythm = createRhythm(15_000)
    const periods = [37_500, 93_750, 234_375, 585_937].map((silence) => {
      rhythm.gaveUp(silence)
      return rhythm.period()
    })
    expect(periods).toEqual([37_500, 93_750, 234_375, null])
    rhythm.gaveUp(300_000)
    expect(rhythm.period()).toBeNull()
  })

  it('says nothing of the time between two streams', () => {
    const rhythm = createRhythm(null)
    for (let at = 0; at <= 3; at++) {
      rhythm.opened()
      rhythm.came('keep-alive', at * 15_000)
    }
    expect(rhythm.period()).toBeNull()
  })
})
