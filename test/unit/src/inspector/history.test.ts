import { describe, expect, it } from 'vitest'
import { createHistory, spansOf } from '../../../../src/inspector/history.ts'
import type { Happening } from '../../../../src/shared/inspection.ts'

const happening = (at: number, what: Happening['what'], is: string, note = ''): Happening => ({
  ...{ at, what, is, note },
  times: 1,
})

describe('the history that an inspector has seen', () => {
  it('outlives the hub that told it', () => {
    const history = createHistory()
    history.take({
      incarnation: 'one',
      timeline: [happening(1, 'hub', 'began'), happening(2, 'state', 'open')],
    })
    history.take({ incarnation: 'two', timeline: [happening(5, 'hub', 'began')] })
    history.take({
      incarnation: 'two',
      timeline: [happening(5, 'hub', 'began'), happening(6, 'state', 'open')],
    })
    expect(history.all().map(({ at, is }) => [at, is])).toEqual([
      [1, 'began'],
      [2, 'open'],
      [5, 'began'],
      [6, 'open'],
    ])
  })

  it('knows an entry again, also beside an equal one, and after older ones have gone', () => {
    const history = createHistory()
    const twice = [
      happening(1, 'tab', 'went', 'a'),
      happening(2, 'reset', 'server'),
      happening(2, 'reset', 'server'),
    ]
    history.take({ incarnation: 'one', timeline: twice })
    const before = history.all().map(({ key }) => key)
    expect(new Set(before).size).toBe(3)
    history.take({ incarnation: 'one', timeline: [...twice.slice(1), happening(3, 'state', 'open')] })
    expect(
      history
        .all()
        .slice(0, 2)
        .map(({ key }) => key),
    ).toEqual(before.slice(1))
  })

  it('draws each state until the next one, and a new hub as one that knows of none', () => {
    const lived = [
      happening(10, 'hub', 'began'),
      happening(20, 'state', 'connecting'),
      happening(25, 'error', 'network'),
      happening(30, 'state', 'open'),
    ]
    expect(spansOf(lived, 50)).toEqual([
      { from: 10, to: 20, state: 'idle' },
      { from: 20, to: 30, state: 'connecting' },
      { from: 30, to: 50, state: 'open' },
    ])
  })
})
