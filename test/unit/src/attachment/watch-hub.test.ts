import type { Remote } from 'comlink'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Attention, type HubWatch, watchHub } from '../../../../src/attachment/watch-hub.ts'
import { hubLock, watchLock } from '../../../../src/shared/names.ts'
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
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
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
    watch.attend('in view')
    await settle()
    pings = 0
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

  it('one that answers is left alone, and asked every 1.6 s', async () => {
    await pass(16_000)
    expect(gone).toBe(0)
    expect(pings).toBeGreaterThanOrEqual(9)
    expect(pings).toBeLessThanOrEqual(10)
  })

  describe('P11 one tab asks for all', () => {
    /** Another tab's watch over the same hub. */
    const another = (attention: Attention) => {
      const tab = { pings: 0, gone: 0, watch }
      const ping = async () => {
        tab.pings++
        return answer()
      }
      tab.watch = watchHub({ ping } as unknown as Remote<HubApi>, 'i', true, isLeaving, () => tab.gone++)
      tab.watch.attend(attention)
      return tab
    }

    it('of those in view; of those that are hidden once a minute', async () => {
      const others = [another('in view'), another('hidden'), another('hidden')]
      await pass(120_000)
      for (const other of others) other.watch.close()
      expect(pings).toBeGreaterThan(60)
      expect(others[0]!.pings).toBe(0)
      expect(others[1]!.pings + others[2]!.pings).toBeLessThanOrEqual(3)
      expect(gone).toBe(0)
    })

    it.each<[string, (watch: HubWatch) => void]>([
      ['closes', (its) => its.close()],
      ['is hidden', (its) => its.attend('hidden')],
    ])('the next one in view asks at once when that tab %s', async (_, end) => {
      const other = another('in view')
      await pass(5_000)
      end(watch)
      await pass(100)
      expect(other.pings).toBe(1)
      answer = () => new Promise<Pong>(() => {})
      await pass(5_000)
      expect(other.gone).toBe(1)
      other.watch.close()
    })

    it('a silent restart is told from tab to tab, also where no lock of the hub tells', async () => {
      const others = [another('in view'), another('in view')]
      // As in WebKit, where no request for the lock of a hub is ever granted.
      locks.hold(hubLock('i'))
      vi.spyOn(locks, 'request').mockImplementation(() => new Promise(() => {}))
      answer = () => ({ incarnation: 'other', attached: false })
      await pass(1_800)
      expect([gone, ...others.map((other) => other.gone)]).toEqual([1, 1, 1])
    })

    it('hidden tabs: one that hangs is noticed once a tab comes into view', async () => {
      watch.attend('hidden')
      const other = another('hidden')
      await pass(1_000)
      answer = () => new Promise<Pong>(() => {})
      await pass(20_000)
      expect([gone, other.gone]).toEqual([0, 0])
      other.watch.attend('in view')
      await pass(3_100)
      expect([gone, other.gone]).toEqual([1, 1])
    })

    it('hidden tabs: one that hangs is noticed by the one that asks for something', async () => {
      watch.attend('hidden')
      const other = another('hidden')
      await pass(1_000)
      answer = () => new Promise<Pong>(() => {})
      other.watch.look()
      await pass(3_100)
      expect([gone, other.gone]).toEqual([1, 1])
    })

    it('hidden tabs: without any other reason, one that hangs is noticed by the ping of the minute', async () => {
      watch.attend('hidden')
      await pass(1_000)
      answer = () => new Promise<Pong>(() => {})
      await pass(64_000)
      expect(gone).toBe(1)
    })

    it('a frozen tab leaves it to another', async () => {
      watch.attend('hidden')
      const other = another('hidden')
      await pass(1_000)
      watch.attend('frozen')
      await pass(100)
      expect(other.pings).toBe(1)
      expect(locks.queued(watchLock('i', 'hidden'))).toBe(0)
      other.watch.close()
    })

    it('what the hub sends takes the place of a ping, and of an answer', async () => {
      for (let seconds = 0; seconds < 30; seconds++) {
        await pass(1_000)
        watch.heard()
      }
      expect(pings).toBe(0)
      answer = () => new Promise<Pong>(() => {})
      for (let seconds = 0; seconds < 10; seconds++) {
        watch.look()
        await pass(1_000)
        watch.heard()
      }
      expect(gone).toBe(0)
      await pass(5_000)
      expect(gone).toBe(1)
    })
  })

  it('a wedged one keeps its lock: it is gone after two pings without an answer, within 5 s', async () => {
    answer = () => new Promise<Pong>(() => {})
    await pass(4_400)
    expect(gone).toBe(0)
    await pass(600)
    expect([gone, pings]).toEqual([1, 2])
    expect(locks.isHeld(watchLock('i', 'in view'))).toBe(false)
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
    await pass(1_700)
    expect(gone).toBe(1)
  })

  it('A4 one that has ended the session of a tab that signs out is not; one that was restarted meanwhile is', async () => {
    leaving = true
    answer = () => ({ incarnation: 'i', attached: false })
    await pass(10_000)
    expect(gone).toBe(0)
    answer = () => ({ incarnation: 'other', attached: false })
    await pass(1_700)
    expect(gone).toBe(1)
  })

  it('is watched no more once closed: no ping, and nobody in the queue for its lock', async () => {
    watch.close()
    await settle()
    expect(locks.queued(hubLock('i'))).toBe(0)
    expect(locks.held()).toEqual([hubLock('i')])
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
