import { beforeEach, describe, expect, it } from 'vitest'
import { tabLock } from '../../../../src/shared/names.ts'
import { watchPresence } from '../../../../worker/tabs/presence.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle, until } from '../../harness/turns.ts'

describe('T1 whether a tab is still there', () => {
  let platform: FakePlatform
  let gone: number

  beforeEach(() => {
    platform = createFakePlatform()
    gone = 0
  })

  const watch = (isLockSeen: boolean) => watchPresence(platform, 'tab', isLockSeen, () => void gone++)

  describe('whose lock the hub sees', () => {
    it('is told by the lock, once, however long the tab says nothing', async () => {
      const die = platform.locks.hold(tabLock('tab'))
      watch(true)
      await platform.advance(3_600_000)
      expect(gone).toBe(0)
      die()
      await until(() => gone === 1)
      await platform.advance(3_600_000)
      expect(gone).toBe(1)
    })

    it('is asked no more once the watch is closed: nothing waits for the lock', async () => {
      const die = platform.locks.hold(tabLock('tab'))
      const presence = watch(true)
      expect(platform.locks.queued(tabLock('tab'))).toBe(1)
      presence.close()
      expect(platform.locks.queued(tabLock('tab'))).toBe(0)
      die()
      await settle()
      expect([gone, platform.locks.isHeld(tabLock('tab'))]).toEqual([0, false])
    })
  })

  describe('whose lock the hub does not see', () => {
    it('is told by pings: 150 s after the last one the tab is gone', async () => {
      const presence = watch(false)
      for (let each = 0; each < 10; each++) {
        presence.pinged()
        await platform.advance(149_999)
      }
      expect(gone).toBe(0)
      await platform.advance(1)
      expect(gone).toBe(1)
    })

    it('needs a first ping within 3 s: the tab may have been gone before it was welcome', async () => {
      watch(false)
      await platform.advance(2_999)
      expect(gone).toBe(0)
      await platform.advance(1)
      expect(gone).toBe(1)
    })

    it('is asked no more once the watch is closed, and no timer is left', async () => {
      watch(false).close()
      const pinged = watch(false)
      pinged.pinged()
      pinged.close()
      expect(platform.timers()).toBe(0)
    })
  })
})
