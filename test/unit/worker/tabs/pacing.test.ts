import { beforeEach, describe, expect, it } from 'vitest'
import { createPacing } from '../../../../worker/tabs/pacing.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('P3 when events are delivered', () => {
  let platform: FakePlatform
  let head: number
  let deliveries: { at: number; head: number }[]
  let start: number

  beforeEach(() => {
    platform = createFakePlatform()
    head = 0
    deliveries = []
    start = platform.now()
  })

  const open = (most = 16, tabs = 6) => {
    const pace = createPacing({
      platform,
      most,
      tabs: () => tabs,
      deliver: () => deliveries.push({ at: platform.now() - start, head }),
    })
    return {
      arrive(count = 1) {
        head += count
        pace.arrived(() => head)
      },
      /** @returns whether it is over */
      async rest() {
        let over = false
        void pace.rest().then(() => {
          over = true
        })
        await platform.advance(0)
        return () => over
      },
    }
  }
  /** So many, each `gap` ms after the one before. */
  const stream = async (pace: ReturnType<typeof open>, count: number, gap: number) => {
    for (let each = 0; each < count; each++) {
      pace.arrive()
      await platform.advance(gap)
    }
  }
  const spacings = () => deliveries.slice(1).map(({ at }, index) => at - deliveries[index]!.at)

  it('P2 one that comes alone, at once; so do ten a second', async () => {
    const pace = open()
    await stream(pace, 20, 100)
    expect(deliveries.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, (_, index) => index * 100))
  })

  it('the first of a burst at once, and a thousand a second a frame apart, with all that came meanwhile', async () => {
    const pace = open()
    await stream(pace, 1_000, 1)
    await platform.advance(16)
    expect(deliveries[0]).toEqual({ at: 0, head: 1 })
    expect(deliveries.length).toBeGreaterThan(60)
    expect(new Set(spacings().slice(20))).toEqual(new Set([16]))
    expect(deliveries.at(-1)!.head).toBe(1_000)
  })

  describe('when it is read for it', () => {
    /** One comes each ms. What has come is read in one piece, and whoever had to wait for it rests then. */
    const read = async (pace: ReturnType<typeof open>, forMs: number) => {
      let unread = 0
      let reads = 0
      let isOver = () => true
      for (let ms = 0; ms < forMs; ms++) {
        unread++
        if (isOver()) {
          const hadToWait = unread === 1
          pace.arrive(unread)
          unread = 0
          reads++
          if (hadToWait) isOver = await pace.rest()
        }
        await platform.advance(1)
      }
      return reads
    }

    it('at once, where ten a second come', async () => {
      const pace = open()
      for (let each = 0; each < 20; each++) {
        pace.arrive()
        expect((await pace.rest())()).toBe(true)
        await platform.advance(100)
      }
    })

    it('where a thousand a second come, a few times a delivery, which has as many and is no later', async () => {
      const pace = open()
      const reads = await read(pace, 1_000)
      expect(reads).toBeLessThan(4 * deliveries.length)
      expect(new Set(spacings().slice(20))).toEqual(new Set([16]))
      const heads = deliveries.map(({ head }) => head)
      expect(new Set(heads.slice(21).map((each, index) => each - heads[index + 20]!))).toEqual(new Set([16]))
    })

    it('at once, where nothing waits to be delivered', async () => {
      const pace = open()
      await read(pace, 100)
      await platform.advance(16)
      expect((await pace.rest())()).toBe(true)
    })

    it('at once, with `coalesce: 0`', async () => {
      expect(await read(open(0), 100)).toBe(100)
    })
  })

  it('P7 ten thousand a second a frame apart for one tab too: a message costs more than they do', async () => {
    const pace = open(16, 1)
    for (let each = 0; each < 1_000; each++) {
      pace.arrive(10)
      await platform.advance(1)
    }
    await platform.advance(16)
    // Until the rate is known, some go out sooner.
    expect(deliveries.length).toBeGreaterThan(60)
    expect(new Set(spacings().slice(20))).toEqual(new Set([16]))
    expect(deliveries.at(-1)!.head).toBe(10_000)
  })

  it.each([
    [1, 8],
    [3, 9],
    [5, 15],
    [6, 16],
  ])('a message costs less with fewer tabs: %i wait for %i ms (P12)', async (tabs, ms) => {
    const pace = open(16, tabs)
    await stream(pace, 400, 1)
    expect(new Set(spacings().slice(20))).toEqual(new Set([ms]))
  })

  it('`coalesce: 0` never waits', async () => {
    const pace = open(0)
    await stream(pace, 100, 1)
    expect(deliveries).toHaveLength(100)
  })

  it('more than one message takes goes at once', async () => {
    const pace = open()
    await stream(pace, 100, 1)
    const before = deliveries.length
    pace.arrive(2_000)
    expect(deliveries).toHaveLength(before + 1)
    // And what was to be delivered later is in it.
    await platform.advance(16)
    expect(deliveries).toHaveLength(before + 1)
  })

  it('after a silence, at once again', async () => {
    const pace = open()
    await stream(pace, 100, 1)
    await platform.advance(5_000)
    const before = deliveries.length
    pace.arrive()
    expect(deliveries).toHaveLength(before + 1)
  })

  it.each([-3_600_000, 3_600_000])(
    'a clock that is set by %i ms makes nobody wait for longer',
    async (by) => {
      const pace = open()
      await stream(pace, 100, 1)
      platform.setClock(by)
      await stream(pace, 100, 1)
      await platform.advance(16)
      expect(deliveries.at(-1)!.head).toBe(200)
    },
  )
})
