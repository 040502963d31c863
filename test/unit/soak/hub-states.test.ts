import { expect, test } from 'vitest'
import type { Happening } from '../../../src/shared/inspection.ts'
import { continueTimeline, failedAttempts, overlaps, reconnections } from '../../soak/hub-states.ts'

const state = (at: number, is: string): Happening => ({ at, what: 'state', is, note: '', times: 1 })
const error = (at: number): Happening => ({ at, what: 'error', is: 'network', note: '', times: 1 })

const CUT = [
  state(0, 'connecting'),
  state(5, 'open'),
  state(100, 'waiting'),
  error(100),
  state(300, 'connecting'),
  state(310, 'waiting'),
  state(900, 'connecting'),
  state(950, 'open'),
]

test('an attempt that ends in no open stream has failed, from its begin to its end', () => {
  expect(failedAttempts(CUT)).toEqual([{ from: 300, to: 310 }])
})

test('an attempt under way has not failed', () => {
  expect(failedAttempts([...CUT, state(990, 'connecting')])).toHaveLength(1)
})

test('a reconnection lasts from the loss of a stream to the next one open', () => {
  expect(reconnections(CUT)).toEqual([{ from: 100, to: 950 }])
})

test('a renewal is no reconnection, unless its attempt fails', () => {
  const renewed = [...CUT, state(1_000, 'connecting'), state(1_100, 'open')]
  expect(reconnections(renewed)).toHaveLength(1)
  const failed = [...renewed, state(2_000, 'connecting'), state(2_010, 'waiting'), state(2_500, 'connecting')]
  expect(reconnections([...failed, state(2_600, 'open')]).at(-1)).toEqual({ from: 2_000, to: 2_600 })
})

test('a first connection that takes several attempts is no reconnection', () => {
  const slow = [state(0, 'connecting'), state(9, 'waiting'), state(20, 'connecting'), state(30, 'open')]
  expect(reconnections(slow)).toEqual([])
})

test('a time line that is read twice has each entry once, also those of one ms', () => {
  const first = CUT.slice(0, 3)
  expect(continueTimeline(continueTimeline([], first), CUT.slice(1))).toEqual(CUT)
})

test('a time line that has run over since it was read is an error, not a gap', () => {
  expect(() => continueTimeline(CUT.slice(0, 3), CUT.slice(4))).toThrow('run over')
})

test('spans that touch overlap', () => {
  expect(overlaps({ from: 1, to: 5 }, { from: 5, to: 9 })).toBe(true)
  expect(overlaps({ from: 6, to: 9 }, { from: 1, to: 5 })).toBe(false)
})
