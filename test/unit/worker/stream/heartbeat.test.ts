import { beforeEach, describe, expect, it } from 'vitest'
import { fixedLimits, learnedLimits, watchHeartbeat } from '../../../../worker/stream/heartbeat.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('S3 any byte is a sign of life', () => {
  let platform: FakePlatform
  let told: (number | 'dead')[]
  let isReading: boolean
  let watch: ReturnType<typeof watchHeartbeat>

  beforeEach(() => {
    platform = createFakePlatform()
    told = []
    isReading = true
    watch = watchHeartbeat(platform, {
      limits: fixedLimits(20_000, 2),
      isReading: () => isReading,
      onMiss: (missed) => told.push(missed),
      onDead: () => told.push('dead'),
    })
  })

  it('is degraded after one timeout and dead after two', async () => {
    await platform.advance(19_999)
    expect(told).toEqual([])
    await platform.advance(1)
    expect(told).toEqual([1])
    await platform.advance(19_999)
    expect(told).toEqual([1])
    await platform.advance(1)
    expect(told).toEqual([1, 2, 'dead'])
  })

  it('says nothing more once it is dead', async () => {
    await platform.advance(400_000)
    expect(told).toEqual([1, 2, 'dead'])
    expect(platform.timers()).toBe(0)
  })

  it('counts from the last byte, not from its own timer', async () => {
    await platform.advance(15_000)
    watch.beat()
    await platform.advance(19_999)
    expect(told).toEqual([])
    await platform.advance(1)
    expect(told).toEqual([1])
  })

  it('a byte after silence revives it, and the count starts over', async () => {
    await platform.advance(39_000)
    watch.beat()
    expect(told).toEqual([1, 0])
    await platform.advance(19_999)
    expect(told).toEqual([1, 0])
    await platform.advance(20_001)
    expect(told).toEqual([1, 0, 1, 2, 'dead'])
  })

  it('lives as long as bytes come, on one timer however many come', async () => {
    for (let byte = 0; byte < 200; byte++) {
      await platform.advance(1_000)
      watch.beat()
    }
    expect(told).toEqual([])
    expect(platform.timers()).toBe(1)
  })

  it('is dead at once after a sleep that covered all timeouts', async () => {
    platform.setClock(3_600_000)
    await platform.advance(20_000)
    expect(told).toEqual([2, 'dead'])
  })

  it('starts over when the wall clock is set back', async () => {
    platform.setClock(-3_600_000)
    await platform.advance(20_000)
    expect(told).toEqual([])
    await platform.advance(20_000)
    expect(told).toEqual([1])
    await platform.advance(20_000)
    expect(told).toEqual([1, 2, 'dead'])
  })

  it('is switched off by a timeout of Infinity, and spins no timer', async () => {
    watch.close()
    let timers = 0
    const after: typeof platform.after = (ms, run) => {
      timers++
      return platform.after(ms, run)
    }
    const on = {
      limits: fixedLimits(Number.POSITIVE_INFINITY, 2),
      isReading: () => true,
      onMiss: (missed: number) => told.push(missed),
      onDead: () => told.push('dead'),
    }
    const endless = watchHeartbeat({ ...platform, after }, on)
    await platform.advance(3_600_000)
    expect([timers, told]).toEqual([1, []])
    endless.close()
  })

  it('does not count the time in which nobody reads', async () => {
    isReading = false
    await platform.advance(200_000)
    expect(told).toEqual([])
    isReading = true
    await platform.advance(40_000)
    expect(told).toEqual([1, 2, 'dead'])
  })

  it('leaves no timer behind when closed', async () => {
    watch.close()
    expect(platform.timers()).toBe(0)
    await platform.advance(100_000)
    expect(told).toEqual([])
  })
})

describe('S3 limits that follow from the rhythm of a server', () => {
  it.each([
    [null, 300_000, 1, 300_000],
    [15_000, 22_500, 2, 37_500],
    [40_000, 60_000, 2, 100_000],
    [6_000, 10_000, 2, 15_000],
    [2_000, 10_000, 2, 10_000],
  ])(
    'of %j ms: a sign is missed after %i ms, and %i of them end it, after %i ms',
    (period, first, misses, dead) => {
      const limits = learnedLimits(period)
      expect([limits.missAfter(1), limits.misses, limits.missAfter(limits.misses)]).toEqual([
        first,
        misses,
        dead,
      ])
    },
  )

  it('hold from when they are set, though the timer was armed for later', async () => {
    const platform = createFakePlatform()
    const told: (number | string)[] = []
    const watch = watchHeartbeat(platform, {
      limits: learnedLimits(null),
      isReading: () => true,
      onMiss: (missed) => told.push(missed),
      onDead: (silence) => told.push(`dead after ${silence}`),
    })
    await platform.advance(10_000)
    watch.setLimits(learnedLimits(20_000))
    await platform.advance(19_999)
    expect(told).toEqual([])
    await platform.advance(1)
    expect(told).toEqual([1])
    await platform.advance(20_000)
    expect(told).toEqual([1, 2, 'dead after 50000'])
  })
})
