import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAcknowledgements } from '../../../../src/attachment/acknowledgements.ts'
import { createTaker } from '../../../../src/attachment/taker.ts'
import { pack } from '../../../../src/shared/packed-events.ts'
import type { PackedBatch } from '../../../../src/shared/protocol.ts'
import { defer, settle } from '../../harness/turns.ts'

const batch = (to: number) => ({ to, events: pack([]) }) as unknown as PackedBatch

describe('D1 a tab takes batches in order', () => {
  const acknowledgements = { due: () => undefined }

  it('one after the other, though several are on their way', async () => {
    const taken: number[] = []
    const first = defer<void>()
    const take = createTaker(async ({ to }) => {
      if (to === 1) await first.promise
      taken.push(to)
    }, acknowledgements)
    const all = [1, 2, 3].map((number) => take(batch(number), number, true))
    await settle()
    expect(taken).toEqual([])
    first.resolve()
    await Promise.all(all)
    expect(taken).toEqual([1, 2, 3])
  })

  it('none after one that it could not take, until that one comes again', async () => {
    const taken: number[] = []
    let isBroken = true
    const take = createTaker(async ({ to }) => {
      if (isBroken && to === 2) throw new Error('broken')
      taken.push(to)
    }, acknowledgements)
    const outcomes = await Promise.allSettled([1, 2, 3].map((number) => take(batch(number), number, true)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    isBroken = false
    // A batch whose acknowledgement was lost may come once more: its events are known by then.
    for (const number of [1, 2, 3]) await take(batch(number), number, false)
    expect(taken).toEqual([1, 1, 2, 3])
  })
})

describe('P12 P13 acknowledgements', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  const open = () => {
    const acknowledgements = createAcknowledgements()
    const out: string[] = []
    const due = async (name: string, mayWait: boolean) => {
      await acknowledgements.due(mayWait)
      out.push(name)
    }
    return { acknowledgements, out, due }
  }

  it('that may wait go out with the next one that may not, in order', async () => {
    const { out, due } = open()
    void due('a', true)
    void due('b', true)
    await settle(5)
    expect([out, vi.getTimerCount()]).toEqual([[], 1])
    void due('c', false)
    await settle(5)
    expect([out.toSorted(), vi.getTimerCount()]).toEqual([['a', 'b', 'c'], 0])
  })

  it('wait a second at most', async () => {
    const { out, due } = open()
    void due('a', true)
    vi.advanceTimersByTime(999)
    await settle(5)
    expect(out).toEqual([])
    vi.advanceTimersByTime(1)
    await settle(5)
    expect(out).toEqual(['a'])
    void due('b', true)
    vi.advanceTimersByTime(1_000)
    await settle(5)
    expect(out).toEqual(['a', 'b'])
  })

  it('do not wait for a page that is about to run late', async () => {
    const { acknowledgements, out, due } = open()
    void due('a', true)
    acknowledgements.flush()
    await settle(5)
    expect([out, vi.getTimerCount()]).toEqual([['a'], 0])
    acknowledgements.flush()
  })
})
