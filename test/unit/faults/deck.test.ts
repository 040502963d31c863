import { expect, test } from 'vitest'
import { createDeck } from '../../faults/deck.ts'
import type { Fault } from '../../faults/faults.ts'

const fault = (name: string, more: Partial<Fault> = {}): Fault => ({ name, run: async () => {}, ...more })
const faults = Array.from({ length: 7 }, (_, index) => fault(`fault ${index}`))
const names = (deal: (now: number) => Fault, count: number, now = 0) =>
  Array.from({ length: count }, () => deal(now).name)

test('every fault is dealt before any comes again', () => {
  const dealt = names(createDeck(faults, 0), 14)
  expect(new Set(dealt.slice(0, 7)).size).toBe(7)
  expect(new Set(dealt.slice(7)).size).toBe(7)
  expect(dealt.slice(0, 7)).not.toEqual(dealt.slice(7))
})

test('a seed goes on where the one before it stopped, and a repeat deals the same', () => {
  const all = names(createDeck(faults, 0), 9)
  expect([...names(createDeck(faults, 0), 4), ...names(createDeck(faults, 4), 5)]).toEqual(all)
})

test('T2 no more than four hubs die within a minute: the rest waits for its turn', () => {
  const deadly = Array.from({ length: 6 }, (_, index) => fault(`deadly ${index}`, { deadly: true }))
  const deal = createDeck([...deadly, ...faults], 0)
  const isDeadly = (name: string) => name.startsWith('deadly')
  const early = names(deal, 20)
  expect(early.filter(isDeadly)).toHaveLength(4)
  expect(names(deal, 10, 70_000).filter(isDeadly).length).toBeGreaterThanOrEqual(2)
})
