import { beforeEach, describe, expect, it } from 'vitest'
import { watchHeartbeat } from '../../../../worker/stream/heartbeat.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('S3 any byte is a sign of life', () => {
  let platform: FakePlatform
  let told: (number | 'dead')[]
  let watch: ReturnType<typeof watchHeartbeat>

  beforeEach(() => {
    platform = createFakePlatform()
    told = []
    watch = watchHeartbeat(platform, {
      timeout: 20_000,
      misses: 2,
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
    expect(told).toEqual([181, 'dead'])
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
      timeout: Number.POSITIVE_INFINITY,
      misses: 2,
      onMiss: (missed: number) => told.push(missed),
      onDead: () => told.push('dead'),
    }
    const endless = watchHeartbeat({ ...platform, after }, on)
    await platform.advance(3_600_000)
    expect([timers, told]).toEqual([1, []])
    endless.close()
  })

  it('leaves no timer behind when closed', async () => {
    watch.close()
    expect(platform.timers()).toBe(0)
    await platform.advance(100_000)
    expect(told).toEqual([])
  })
})
