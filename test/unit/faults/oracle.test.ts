import { expect, test } from 'vitest'
import { judge } from '../../faults/oracle.ts'

const heard = (numbers: number[], resetsAt: number[] = []) => ({ numbers, resetsAt })
const clean = { lost: 0, duplicated: 0, reordered: 0 }

test('each number once and in order is clean, from where the tab came in', () => {
  expect(judge(heard([3, 4, 5]), 3, 5)).toEqual({ delivered: 3, ...clean })
  expect(judge(heard([2, 3, 4, 5]), 3, 5)).toEqual({ delivered: 4, ...clean })
  expect(judge(heard([]), 6, 5)).toEqual({ delivered: 0, ...clean })
})

test('what is missing at the front, in the middle and at the end is lost', () => {
  expect(judge(heard([4, 5]), 3, 5).lost).toBe(1)
  expect(judge(heard([3, 7]), 3, 7).lost).toBe(3)
  expect(judge(heard([3]), 3, 5).lost).toBe(2)
  expect(judge(heard([]), 3, 5).lost).toBe(3)
})

test('a number twice is a double, and one that comes late is out of order, not lost', () => {
  expect(judge(heard([1, 2, 2, 3]), 1, 3)).toEqual({ delivered: 3, lost: 0, duplicated: 1, reordered: 0 })
  expect(judge(heard([1, 3, 2, 4]), 1, 4)).toEqual({ delivered: 4, lost: 0, duplicated: 0, reordered: 1 })
})

test('a gap in which a reset stands is excused, and no other', () => {
  expect(judge(heard([1, 2, 6, 7], [2]), 1, 7)).toEqual({ delivered: 4, ...clean })
  expect(judge(heard([1, 2, 6, 7], [1]), 1, 7).lost).toBe(3)
  expect(judge(heard([1, 2, 6, 9], [2]), 1, 9).lost).toBe(2)
  expect(judge(heard([1, 2, 2], [2]), 1, 2).duplicated).toBe(1)
})
