import { expect, it } from 'vitest'
import { followKey, type Types } from '../../../../src/shared/events.ts'

it('D1 what is followed has a key of its own: a type may hold a comma, or be called `*`', () => {
  const types: Types[] = ['*', ['*'], [], [''], ['a'], ['a', 'b'], ['a,b'], ['a', 'b,c'], ['a,b', 'c']]
  const follows = [
    ...types.map((types) => ({ types, topics: {} })),
    ...types.map((types) => ({ types: [], topics: { chat: types } })),
    { types: [], topics: { a: [], b: [] } },
  ]
  expect(new Set(follows.map(followKey)).size).toBe(follows.length)
  expect(followKey(follows[5]!)).toBe(followKey(structuredClone(follows[5]!)))
})
