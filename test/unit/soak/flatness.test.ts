import { expect, test } from 'vitest'
import { growthOf, isFlat } from '../../soak/flatness.ts'

const tolerance = { share: 0.1, bytes: 5 }
const flat = (samples: number[]) => isFlat(growthOf(samples), tolerance)

test('the first quarter stands beside the last one, and what lies between is not looked at', () => {
  expect(growthOf([10, 12, 11, 900, 900, 900, 900, 900, 900, 20, 22, 21])).toEqual({ first: 11, last: 21 })
})

test('growth within the tolerance is flat, growth beyond is not', () => {
  expect(flat([100, 100, 100, 115])).toBe(true)
  expect(flat([100, 100, 100, 116])).toBe(false)
})

test('one peak in a quarter is no growth', () => {
  expect(flat([100, 100, 100, 0, 0, 0, 0, 0, 0, 100, 900, 100])).toBe(true)
})

test('what was not measured is never flat', () => {
  expect(flat([])).toBe(false)
  expect(flat([1, 1, 1])).toBe(false)
  expect(flat([Number.NaN, 1, 1, Number.NaN])).toBe(false)
})
