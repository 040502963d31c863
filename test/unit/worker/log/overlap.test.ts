import { describe, expect, it } from 'vitest'
import { createEventIds } from '../../../../worker/log/event-ids.ts'
import { createOverlap } from '../../../../worker/log/overlap.ts'
import type { Received } from '../../../../worker/log/received.ts'
import { event } from '../../harness/log.ts'

/** Over a log that holds these. `isStored`: they have to be read. */
const over = (held: Received[], isStored = false) => {
  const eventIds = createEventIds()
  const logged = held.map(({ givenId, id, data }, index) => ({
    seq: index + 1,
    id,
    hasOwnId: givenId !== null,
    topic: null,
    type: 'message',
    data,
    at: 0,
  }))
  for (const each of logged) eventIds.add(each)
  const find = (seq: number) => logged.find((each) => each.seq === seq)
  const overlap = createOverlap(eventIds, isStored ? async (seq) => find(seq) : find)
  return {
    begin: overlap.begin,
    /** Which of them are duplicates. */
    async take(...blocks: Received[]) {
      const taken: boolean[] = []
      for (const block of blocks) taken.push(await overlap.take(block))
      return taken
    },
  }
}
const run = (...ids: string[]) => ids.map((id) => event(id))

describe('D3 the overlap at the beginning of a connection', () => {
  it.each([
    ['in memory', false],
    ['in IndexedDB', true],
  ])('drops what the log holds %s, up to the first event that it does not hold', async (_, isStored) => {
    const overlap = over(run('1', '2', '3'), isStored)
    overlap.begin(true)
    expect(await overlap.take(...run('2', '3', '4', '3'))).toEqual([true, true, false, false])
  })

  it('drops nothing on a connection that did not resume', async () => {
    const overlap = over(run('1', '2', '3'))
    overlap.begin(false)
    expect(await overlap.take(...run('2', '3'))).toEqual([false, false])
  })

  it('begins anew with the next connection', async () => {
    const overlap = over(run('1', '2', '3'))
    overlap.begin(true)
    expect(await overlap.take(...run('4', '3'))).toEqual([false, false])
    overlap.begin(true)
    expect(await overlap.take(...run('3'))).toEqual([true])
  })

  it('drops an event as often as the log holds it', async () => {
    const overlap = over(run('1', '2', '2'))
    overlap.begin(true)
    expect(await overlap.take(...run('2', '2', '2'))).toEqual([true, true, false])
  })

  it('drops what a server sends again in another order', async () => {
    const overlap = over(run('1', '2', '3'))
    overlap.begin(true)
    expect(await overlap.take(...run('3', '2', '4'))).toEqual([true, true, false])
  })

  it('is ended by an event that has a known id and other data', async () => {
    const overlap = over(run('1', '2', '3'))
    overlap.begin(true)
    expect(await overlap.take(event('2', 'other'), event('3'))).toEqual([false, false])
  })

  it('is not ended by what cannot be recognised: an event without an id of its own, or a mere position', async () => {
    const overlap = over(run('1', '2', '3'))
    overlap.begin(true)
    const position: Received = { givenId: '3', id: '3', type: null, data: '', topic: null }
    expect(await overlap.take(event(null), position, event('3'))).toEqual([false, false, true])
  })
})
