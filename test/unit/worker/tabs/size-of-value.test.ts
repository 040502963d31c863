import { expect, it } from 'vitest'
import { sizeOfValue } from '../../../../worker/tabs/size-of-value.ts'

it('ST5 the size of a value counts what is in lists, objects, maps and sets once, and ends beyond the limit', () => {
  expect(sizeOfValue('abc', 1_000)).toBe(3)
  expect(sizeOfValue({ value: ['abc'], at: null }, 1_000)).toBeLessThan(100)
  const list: unknown[] = [new Map([['k', new Set(['abc'])]])]
  list.push(list)
  expect(sizeOfValue(list, 1_000)).toBeLessThan(100)
  expect(sizeOfValue({ text: 'x'.repeat(2_000) }, 1_000)).toBeGreaterThan(1_000)
  expect(sizeOfValue(new Uint8Array(2_000), 1_000)).toBeGreaterThan(1_000)
})
