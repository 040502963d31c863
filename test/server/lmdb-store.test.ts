import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { openLmdbStore } from '../../demo/server/lmdb-store.ts'
import { readAll } from '../../demo/server/store.ts'
import { temporaryDirectory } from './start.ts'
import { range } from './stream.ts'

const open = (dataDir = temporaryDirectory(), retention = 100) => {
  const store = openLmdbStore({ dataDir, retention, random: randomBytes })
  onTestFinished(() => store.close())
  return store
}

const events = (count: number, data = '1') =>
  Array.from({ length: count }, () => ({ type: 'x', data, owner: 'u' }))

test('appends at once take positions without a gap, and each gets its own', async () => {
  const store = open(undefined, 10_000)
  const answers = await Promise.all(range(1, 50).map((n) => store.append('u', events(n))))
  const positions = answers.flat().map((id) => Number(id.split('-')[1]))
  expect(positions.toSorted((a, b) => a - b)).toEqual(range(1, positions.length))
})

test('what an append has answered is there when it wakes, and after a restart', async () => {
  const dataDir = temporaryDirectory()
  const store = open(dataDir)
  const seen: number[] = []
  store.subscribe('u', async () => {
    seen.push((await store.readAfter('u', 0, { events: 100, characters: 1e6 })).length)
  })
  for (let n = 0; n < 20; n++) await store.append('u', events(1))
  expect(seen).toEqual(range(1, 20))
  await store.close()
  const again = open(dataDir)
  expect(again.epoch).toBe(store.epoch)
  expect(await again.bounds('u')).toEqual({ first: 1, last: 20 })
})

test('retention trims the oldest, also where one append is longer than it', async () => {
  const store = open(undefined, 10)
  await store.append('u', events(15))
  expect(await store.bounds('u')).toEqual({ first: 6, last: 15 })
  await store.append('u', events(35))
  expect(await store.bounds('u')).toEqual({ first: 41, last: 50 })
  const positions: number[] = []
  for await (const { position } of readAll(store, 'u')) positions.push(position)
  expect(positions).toEqual(range(41, 50))
})

test('a read stops at its limit of events or characters, but brings one at least', async () => {
  const store = open()
  await store.append('u', events(20, 'x'.repeat(1000)))
  expect(await store.readAfter('u', 3, { events: 5, characters: 1e6 })).toHaveLength(5)
  expect(await store.readAfter('u', 3, { events: 50, characters: 2500 })).toHaveLength(3)
  expect(await store.readAfter('u', 3, { events: 50, characters: 1 })).toHaveLength(1)
  expect(await store.readAfter('u', 20, { events: 50, characters: 1e6 })).toEqual([])
})

test('names of users that are prefixes of one another share nothing', async () => {
  const store = open()
  await store.append('ann', events(2))
  await store.append('anna', events(3))
  expect(await store.readAfter('ann', 0, { events: 50, characters: 1e6 })).toHaveLength(2)
  expect(await store.bounds('an')).toEqual({ first: 1, last: 0 })
})

test('a closed store refuses, also while it is still closing', async () => {
  const store = open()
  await store.append('u', events(1))
  const closing = store.close()
  await expect(store.bounds('u')).rejects.toThrow('closed')
  await expect(store.readAfter('u', 0, { events: 1, characters: 1 })).rejects.toThrow('closed')
  await expect(store.append('u', events(1))).rejects.toThrow('closed')
  await closing
  await store.close()
})

test('unsubscribed, nobody is woken', async () => {
  const store = open()
  let wakes = 0
  const off = store.subscribe('u', () => wakes++)
  await store.append('other', events(1))
  await store.append('u', events(1))
  off()
  await store.append('u', events(1))
  expect(wakes).toBe(1)
})

test('an append behind a position is made only while that is the newest, and takes no place otherwise', async () => {
  const store = open()
  const answers = await Promise.all(range(1, 10).map(() => store.appendAfter('u', 0, events(2))))
  expect(answers.filter((ids) => ids !== undefined)).toEqual([[`${store.epoch}-1`, `${store.epoch}-2`]])
  expect(await store.bounds('u')).toEqual({ first: 1, last: 2 })
  expect(await store.appendAfter('u', 2, events(1))).toEqual([`${store.epoch}-3`])
})
