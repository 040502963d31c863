import { beforeEach, describe, expect, it } from 'vitest'
import type { Received } from '../../../../worker/log/received.ts'
import { type Backpressure, createBackpressure } from '../../../../worker/tabs/backpressure.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle } from '../../harness/turns.ts'

const blocks = (count: number, size: number): Received[] =>
  Array.from({ length: count }, () => ({
    givenId: '1',
    id: '1',
    type: 'message',
    data: 'x'.repeat(size),
    topic: null,
  }))

describe('D4 a live tab is not outrun', () => {
  const bounds = { events: 100, bytes: 1_000 }
  let platform: FakePlatform
  let cursor: number
  let head: number
  let backpressure: Backpressure

  beforeEach(() => {
    platform = createFakePlatform()
    cursor = head = 0
    const session = { backlog: () => head - cursor, cursor: () => ({ epoch: 'e', seq: cursor }) }
    backpressure = createBackpressure({ platform, bounds, tabs: () => [session], flush: () => {} })
  })

  const append = (count: number, size: number) => {
    head += count
    let done = false
    void backpressure.room(blocks(count, size), head).then(() => {
      done = true
    })
    return async () => {
      await platform.advance(10)
      await settle()
      return done
    }
  }

  it.each([
    ['events', 51, 1],
    ['characters', 6, 100],
  ])(
    'by more than half a log of %s: the stream waits until the tab has come after it',
    async (_, count, size) => {
      expect(await append(1, size)()).toBe(true)
      const hasRoom = append(count, size)
      expect(await hasRoom()).toBe(false)
      cursor = head
      expect(await hasRoom()).toBe(true)
    },
  )

  it('and one that keeps up is waited for by nobody, however much has come before', async () => {
    for (let round = 0; round < 500; round++) {
      expect(await append(1, 90)()).toBe(true)
      cursor = head - 1
    }
  })

  it('a piece is a tenth of a log at most, and one event at least', () => {
    expect(backpressure.piece(blocks(50, 1), 0)).toHaveLength(10)
    expect(backpressure.piece(blocks(50, 40), 0)).toHaveLength(3)
    expect(backpressure.piece(blocks(50, 5_000), 49)).toHaveLength(1)
  })

  it('B1 tabs that lack something have caught up once they have taken it, and count as such after 1 s', async () => {
    const caughtUp = () => {
      let done = false
      void backpressure.caughtUp().then(() => {
        done = true
      })
      return async (ms: number) => {
        await platform.advance(ms)
        return done
      }
    }
    expect(await caughtUp()(0)).toBe(true)
    head = 1
    const first = caughtUp()
    expect(await first(900)).toBe(false)
    cursor = 1
    expect(await first(10)).toBe(true)
    head = 2
    const second = caughtUp()
    expect(await second(990)).toBe(false)
    expect(await second(10)).toBe(true)
  })
})
