import type { Remote } from 'comlink'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchHub } from '../../../../src/attachment/watch-hub.ts'
import { hubLock } from '../../../../src/shared/names.ts'
import type { HubApi, Pong } from '../../../../src/shared/protocol.ts'
import { createFakeLocks, type FakeLocks } from '../../harness/locks.ts'
import { settle } from '../../harness/turns.ts'

describe('T2 whether the hub is still there', () => {
  let locks: FakeLocks
  let release: () => void
  let answer: () => Pong | Promise<Pong>
  let pings: number
  let gone: number
  let leaving: boolean
  let watch: ReturnType<typeof watchHub>

  const isLeaving = () => leaving

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    locks = createFakeLocks()
    vi.stubGlobal('navigator', { locks })
    release = locks.hold(hubLock('i'))
    pings = 0
    gone = 0
    leaving = false
    answer = () => ({ incarnation: 'i', attached: true })
    const ping = async () => {
      pings++
      return answer()
    }
    watch = watchHub({ ping } as unknown as Remote<HubApi>, 'i', true, isLeaving, () => gone++)
    await settle()
  })
  afterEach(() => {
    watch.close()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      vi.advanceTimersByTime(100)
      await settle(3)
    }
  }

  it('its death is told by its lock at once, once', async () => {
    release()
    await settle()
    expect(gone).toBe(1)
    await pass(20_000)
    expect([gone, pings]).toEqual([1, 0])
  })

  it('one that answers is left alone, and asked every 1.5 s', async () => {
    await pass(15_000)
    expect(gone).toBe(0)
    expect(pings).toBeGreaterThanOrEqual(9)
    expect(pings).toBeLessThanOrEqual(10)
  })

  it('a wedged one keeps its lock: it is gone after two pings without an answer, within 5 s', async () => {
    answer = () => new Promise<Pong>(() => {})
    await pass(4_400)
    expect(gone).toBe(0)
    await pass(600)
    expect([gone, pings]).toEqual([1, 2])
  })

  it('one tab that finds it wedged tells all, whose timers may run once a minute', async () => {
    let told = 0
    // As another tab's watch does.
    const waiting = locks.request(hubLock('i'), () => void told++)
    answer = () => new Promise<Pong>(() => {})
    await pass(5_000)
    await waiting
    expect([gone, told]).toEqual([1, 1])
  })

  it('one late answer is no death', async () => {
    answer = () => new Promise<Pong>(() => {})
    await pass(3_000)
    answer = () => ({ incarnation: 'i', attached: true })
    await pass(30_000)
    expect(gone).toBe(0)
  })

  it.each<[string, Pong]>([
    ['has another incarnation: it was restarted on the same ports', { incarnation: 'other', attached: true }],
    ['has no session for this port', { incarnation: 'i', attached: false }],
  ])('a hub that %s is gone', async (_, pong) => {
    answer = () => pong
    await pass(1_600)
    expect(gone).toBe(1)
  })

  it('A4 one that has ended the session of a tab that signs out is not; one that was restarted meanwhile is', async () => {
    leaving = true
    answer = () => ({ incarnation: 'i', attached: false })
    await pass(10_000)
    expect(gone).toBe(0)
    answer = () => ({ incarnation: 'other', attached: false })
    await pass(1_600)
    expect(gone).toBe(1)
  })

  it('is watched no more once closed: no ping, and nobody in the queue for its lock', async () => {
    watch.close()
    await settle()
    expect(locks.queued(hubLock('i'))).toBe(0)
    release()
    await pass(10_000)
    expect([gone, pings]).toEqual([0, 0])
  })

  it('a hub whose lock is not to be seen from here is told by its pings alone', async () => {
    watch.close()
    release()
    const ping = async () => {
      pings++
      return answer()
    }
    watch = watchHub({ ping } as unknown as Remote<HubApi>, 'i', false, isLeaving, () => gone++)
    // The first one says that the tab is there: nothing else could.
    expect(pings).toBe(1)
    await pass(10_000)
    expect(gone).toBe(0)
    answer = () => new Promise<Pong>(() => {})
    await pass(5_000)
    expect(gone).toBe(1)
  })
})
