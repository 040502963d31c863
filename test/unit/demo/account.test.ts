import { expect, test } from 'vitest'
import { createAccount } from '../../../demo/account.ts'

const take = (ids: string[]) => {
  const account = createAccount()
  for (const id of ids) account.take(id)
  return account
}
const ids = (...numbers: number[]) => numbers.map((n) => `0badcafe-${n}`)

test('events in order are received, none lost, none doubled', () => {
  expect(take(ids(7, 8, 9)).read()).toEqual({
    received: 3,
    first: 7,
    last: 9,
    lost: 0,
    doubled: 0,
    resets: 0,
  })
})

test('a gap counts as lost until what is missing comes', () => {
  const account = take(ids(1, 2, 5))
  expect(account.read()).toMatchObject({ received: 3, lost: 2 })
  account.take('0badcafe-4')
  expect(account.read()).toMatchObject({ received: 4, last: 5, lost: 1, doubled: 0 })
})

test('an event that comes again is doubled, not received', () => {
  expect(take(ids(1, 2, 2, 1)).read()).toMatchObject({ received: 2, lost: 0, doubled: 2 })
})

test('what is missed over a reset is told, and not lost', () => {
  const account = take(ids(1, 2))
  account.reset()
  account.take('0badcafe-50')
  expect(account.read()).toMatchObject({ received: 3, lost: 0, doubled: 0, resets: 1, last: 50 })
})

test('another log counts anew, and ids that have no number count for nothing', () => {
  expect(take(['0badcafe-9', 'deadbeef-1', 'deadbeef-2-x7', 'nonsense', '']).read()).toMatchObject({
    received: 3,
    lost: 0,
    doubled: 0,
    last: 2,
  })
})
