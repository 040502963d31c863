import { beforeEach, describe, expect, it } from 'vitest'
import { createLeaderWatch, type LeaderWatch } from '../../../../worker/leadership/leader-watch.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('a follower’s watch over its leader', () => {
  let platform: FakePlatform
  let watch: LeaderWatch
  let looks: number
  let silences: number[]
  let start: number

  beforeEach(() => {
    platform = createFakePlatform()
    looks = 0
    silences = []
    start = platform.now()
    watch = createLeaderWatch({
      platform,
      onLook: () => void looks++,
      onSilence: () => void silences.push(platform.now() - start),
    })
    watch.listen()
  })

  it('L4 finds a leader silent after 2 s that it has never heard', async () => {
    watch.start()
    await platform.advance(1_999)
    expect([looks, silences]).toEqual([1, []])
    await platform.advance(1)
    expect([looks, silences]).toEqual([2, [2_000]])
  })

  it('L4 finds a leader silent after 5 s that it has heard: at the first look behind them', async () => {
    watch.start()
    watch.sign()
    await platform.advance(5_999)
    expect([looks, silences]).toEqual([5, []])
    await platform.advance(1)
    expect([looks, silences]).toEqual([6, [6_000]])
  })

  it('L4 finds one that is silent for good so at most once in 30 s', async () => {
    watch.start()
    await platform.advance(100_000)
    expect(silences).toEqual([2_000, 33_000, 64_000, 95_000])
  })

  it('T4 takes the time of a leader that was heard for one that can’t be understood, whose words are no signs of life', async () => {
    watch.start()
    for (let second = 0; second < 5; second++) {
      watch.noticed()
      await platform.advance(1_000)
    }
    expect([watch.hasHeard(), silences]).toEqual([true, []])
    watch.noticed()
    await platform.advance(1_000)
    expect(silences).toEqual([6_000])
  })

  it('L4 finds a leader silent although the clock is set back by an hour, twice', async () => {
    watch.start()
    watch.sign()
    await platform.advance(3_000)
    platform.setClock(-3_600_000)
    await platform.advance(7_000)
    expect(silences).toHaveLength(1)
    platform.setClock(-3_600_000)
    await platform.advance(20_000)
    expect(silences).toHaveLength(2)
  })

  it('L4 gives the leader a beat for a new sign after a sleep, in which every sign grew old', async () => {
    watch.sign()
    watch.start()
    await platform.advance(1_000)
    platform.setClock(3_600_000)
    await platform.advance(1_000)
    expect(silences).toEqual([])
    await platform.advance(6_000)
    expect(silences).toHaveLength(1)
  })

  it('P11 has no timer while this hub leads or has no tab, and counts silence from when it follows again', async () => {
    watch.start()
    await platform.advance(1_000)
    watch.stop()
    expect(platform.timers()).toBe(0)
    await platform.advance(60_000)
    watch.start()
    watch.start()
    expect(platform.timers()).toBe(1)
    await platform.advance(1_000)
    expect([looks, silences]).toEqual([2, []])
  })

  it('L5 counts how long it listens, and forgets what it heard before', async () => {
    watch.sign()
    expect(watch.hasHeard()).toBe(true)
    watch.listen()
    await platform.advance(70)
    expect([watch.hasHeard(), watch.listenedFor()]).toEqual([false, 70])
  })
})
