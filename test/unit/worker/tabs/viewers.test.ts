import { beforeEach, describe, expect, it } from 'vitest'
import { createViewers, type Viewers } from '../../../../worker/tabs/viewers.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('H2 whether anybody looks', () => {
  let platform: FakePlatform
  let viewers: Viewers
  let views: boolean[]
  let told: string[]

  const open = (release: number | false = 10_000) => {
    platform = createFakePlatform()
    views = [true]
    told = []
    viewers = createViewers({
      platform,
      release,
      isInView: () => views.includes(true),
      takeUp: () => told.push('take up'),
      letGo: () => told.push('let go'),
    })
  }
  const view = (...tabs: boolean[]) => {
    views = tabs
    viewers.look()
  }

  beforeEach(() => {
    open()
    viewers.lead()
  })

  it('the stream goes once no tab has been in view for so long, and comes back with the first that is', async () => {
    await platform.advance(60_000)
    view(false, true)
    await platform.advance(60_000)
    view(false, false)
    await platform.advance(9_999)
    expect(told).toEqual(['take up'])
    await platform.advance(1)
    expect(told).toEqual(['take up', 'let go'])
    view(true, false)
    expect(told).toEqual(['take up', 'let go', 'take up'])
    expect(platform.timers()).toBe(0)
  })

  it('a look in between begins the time anew', async () => {
    view(false)
    await platform.advance(9_000)
    view(true)
    view(false)
    await platform.advance(9_000)
    expect(told).toEqual(['take up'])
    await platform.advance(1_000)
    expect(told).toEqual(['take up', 'let go'])
  })

  it('a tab of another hub counts as well, as long as that hub says so', async () => {
    view()
    for (let beats = 30; beats > 0; beats--) {
      await platform.advance(1_000)
      viewers.seen()
    }
    expect(told).toEqual(['take up'])
    await platform.advance(10_000)
    viewers.seen()
    expect(told).toEqual(['take up', 'let go', 'take up'])
    await platform.advance(10_000)
    expect(told.at(-1)).toBe('let go')
  })

  it('an attempt that begins while nobody looks is let go as well', async () => {
    view(false)
    await platform.advance(10_000)
    viewers.look()
    expect(told).toEqual(['take up', 'let go', 'let go'])
  })

  it('a hub that begins to lead counts from there, and one that ceases does nothing more', async () => {
    view(false)
    viewers.stop()
    await platform.advance(60_000)
    viewers.seen()
    expect(told).toEqual(['take up'])
    viewers.lead()
    await platform.advance(9_999)
    expect(told).toEqual(['take up', 'take up'])
    await platform.advance(1)
    expect(told.at(-1)).toBe('let go')
  })

  it('a clock that was set back costs no more than the time itself', async () => {
    view(false)
    platform.setClock(-3_600_000)
    await platform.advance(20_000)
    expect(told).toEqual(['take up', 'let go'])
  })

  it('`false` keeps the stream, without a timer', async () => {
    open(false)
    viewers.lead()
    view(false)
    await platform.advance(3_600_000)
    expect(told).toEqual(['take up'])
    expect(platform.timers()).toBe(0)
  })

  it('a time beyond what a timer can run is kept all the same', async () => {
    open(2 ** 32)
    viewers.lead()
    view(false)
    await platform.advance(2 ** 32 - 1)
    expect(told).toEqual(['take up'])
    await platform.advance(1)
    expect(told).toEqual(['take up', 'let go'])
  })
})
