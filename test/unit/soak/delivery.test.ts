import { expect, test } from 'vitest'
import { deliveryRow } from '../../soak/delivery.ts'

const verdict = { delivered: 20, lost: 0, duplicated: 0, reordered: 0 }

test('each event once, in order and without a reset meets the goal, and nothing else does', () => {
  const isMet = (change: object, resets: string[] = []) =>
    deliveryRow({ verdict: { ...verdict, ...change }, resets, due: 20 }).isMet
  expect(isMet({})).toBe(true)
  expect(isMet({ delivered: 19, lost: 1 })).toBe(false)
  expect(isMet({ delivered: 19 })).toBe(false)
  expect(isMet({ duplicated: 1 })).toBe(false)
  expect(isMet({ reordered: 1 })).toBe(false)
  expect(isMet({}, ['log-lost'])).toBe(false)
})
