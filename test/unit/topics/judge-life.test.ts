import { describe, expect, it } from 'vitest'
import type { TopicLife } from '../../browser/app/topics.ts'
import { judgeLife } from '../../topics/judge-life.ts'

const life = (...told: TopicLife['told']): TopicLife => ({ name: 'a', told, refused: null, isLeft: false })
const live = { state: 'live', confirmed: true }
const n = (number: number) => ({ n: number })
const count = (number: number, resets = 0) => ({ count: number, resets })

describe('the oracle of one handle', () => {
  it('finds nothing where all is there, whatever was heard before the fetch', () => {
    const told = life(live, n(4), count(5), n(5), n(6))
    expect(judgeLife(told, 6, 0)).toMatchObject({ delivered: 3, lost: 0, problems: [] })
    expect(judgeLife(life({ state: 'joining', confirmed: false }), null, 0).problems).toEqual([])
  })

  it.each([
    ['an event is lost between two', life(live, n(4), count(4), n(6)), 6],
    ['the first event after the fetch is lost', life(live, count(4), n(6)), 6],
    ['the last events are lost', life(live, count(4), n(5)), 6],
    ['all events are lost', life(live, count(4)), 5],
    ['an event is heard twice', life(live, count(4), n(5), n(5)), 5],
    ['events are out of order', life(live, count(4), n(6), n(5)), 6],
    [
      'an event is lost after a reset and its fetch',
      life(live, count(4), { reset: 'server' }, count(9, 1), n(11)),
      11,
    ],
    ['there is a reset that nobody called for', life(live, count(4), { reset: 'server' }, count(4), n(5)), 5],
  ])('says so where %s', (_, told, to) => {
    expect(
      judgeLife(told, to, told.told.some((each) => 'reset' in each && to !== 5) ? 1 : 0).problems,
    ).not.toEqual([])
  })

  it('takes what was fetched before a reset for no word on what comes after it', () => {
    const told = life(live, count(4), n(5), { reset: 'server' }, { reset: 'server' }, count(9, 1), n(12))
    expect(judgeLife(told, 12, 2).problems).toEqual([])
  })

  it('excuses as many rejoins as there were absences', () => {
    const rejoin = { reset: 'rejoined' }
    const told = life(live, count(4), n(5), rejoin, count(6, 1), n(7), rejoin, count(8, 2), n(9))
    expect(judgeLife(told, 9, 0, 2).problems).toEqual([])
    expect(judgeLife(told, 9, 0, 1).problems).toHaveLength(1)
  })

  it('excuses a rejoin of a page that has lost its hub, and no other reset of it', () => {
    const lost = { hub: 'lost' } as const
    const told = (reset: string) => life(live, count(4), n(5), lost, { reset }, count(6, 1), n(7))
    expect(judgeLife(told('rejoined'), 7, 0).problems).toEqual([])
    expect(judgeLife(told('server'), 7, 0).problems).toHaveLength(1)
  })

  it('excuses what lies before a justified reset', () => {
    const told = life(live, count(4), n(5), { reset: 'server' }, count(9, 1), n(10))
    expect(judgeLife(told, 10, 1)).toMatchObject({ lost: 0, resets: ['server'], problems: [] })
  })
})
