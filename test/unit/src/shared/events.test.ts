import { expect, it } from 'vitest'
import { followKey } from '../../../../src/shared/events.ts'

it('D1 what is followed has a key of its own: a type may hold a comma, or be called `*`', () => {
  const follows = ['*' as const, ['*'], [], [''], ['a'], ['a', 'b'], ['a,b'], ['a', 'b,c'], ['a,b', 'c']]
  expect(new Set(follows.map(followKey)).size).toBe(follows.length)
  expect(followKey(['a', 'b'])).toBe(followKey(['a', 'b']))
})
