import { beforeEach, describe, expect, it } from 'vitest'
import { watchSleep } from '../../../../worker/base/watch-sleep.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('S5 a wake from sleep', () => {
  let platform: FakePlatform
  let woken: number
  let watch: ReturnType<typeof watchSleep>

  beforeEach(() => {
    platform = createFakePlatform()
    woken = 0
    watch = watchSleep(platform, () => woken++)
  })

  it('is seen by the jump of the wall clock, once, within 10 s', async () => {
    await platform.advance(60_000)
    expect(woken).toBe(0)
    platform.setClock(3_600_000)
    await platform.advance(10_000)
    expect(woken).toBe(1)
    await platform.advance(60_000)
    expect(woken).toBe(1)
  })

  it('is seen at once when a tab pings', async () => {
    await platform.advance(5_000)
    watch.look()
    expect(woken).toBe(0)
    platform.setClock(3_600_000)
    watch.look()
    expect(woken).toBe(1)
    watch.look()
    await platform.advance(60_000)
    expect(woken).toBe(1)
  })

  it('of 6 s is not hidden by pings', async () => {
    for (let at = 0; at < 9_000; at += 1_500) {
      await platform.advance(1_500)
      watch.look()
    }
    platform.setClock(6_000)
    watch.look()
    await platform.advance(1_500)
    expect(woken).toBe(1)
  })

  it('is not a timer that is a little late, nor a clock that is set back', async () => {
    platform.setClock(4_900)
    await platform.advance(2_000)
    platform.setClock(-3_600_000)
    await platform.advance(10_000)
    expect(woken).toBe(0)
  })

  it('is told of no more once the watch is closed', async () => {
    watch.close()
    platform.setClock(3_600_000)
    await platform.advance(10_000)
    expect([woken, platform.timers()]).toEqual([0, 0])
  })
})
