import { beforeEach, describe, expect, it } from 'vitest'
import { type LogStore, openLogStore } from '../../../../worker/log/store.ts'
import { clearIndexedDb, events, openLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { breakable } from '../../harness/storage.ts'
import { defer, settle, until } from '../../harness/turns.ts'

describe('D2 IndexedDB on its way out and back', () => {
  let platform: FakePlatform
  let state: ReturnType<typeof breakable>['state']
  let setup: Parameters<typeof openLog>[0]

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
    const broken = breakable()
    state = broken.state
    setup = { platform, open: broken.open }
  })

  it('closes a connection that opened after it had been given up', async () => {
    const opening = defer<LogStore>()
    let closed = 0
    const { log } = openLog({ platform, open: () => opening.promise })
    await platform.advance(3_000)
    await log.ready
    const store = await openLogStore('log', () => {})
    opening.resolve({ ...store, close: () => void closed++ })
    await settle()
    expect(closed).toBe(1)
    expect(log.isDurable()).toBe(false)
    store.close()
  })

  it('tries again soon, then ever later, for as long as it takes', async () => {
    state.open = () => Promise.reject(new Error('no'))
    const { log, durable } = openLog(setup)
    await log.ready
    const waits: number[] = []
    for (let tries = 1; tries <= 8; tries++) {
      expect(durable).toHaveLength(tries)
      waits.push(platform.nextTimer()!)
      await platform.advance(waits.at(-1)!)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(durable.every((cause) => cause === 'Error: no')).toBe(true)
    state.open = null
    await platform.advance(30_000)
    await until(() => durable.at(-1) === null)
    state.commit = () => Promise.reject(new Error('no'))
    await log.append(events(1, 1))
    await platform.advance(0)
    await until(() => !log.isDurable())
    expect(platform.nextTimer()).toBe(1_000)
    await log.close()
    expect(platform.timers()).toBe(0)
  })

  it('has one transaction under way when it comes back, whatever is appended meanwhile', async () => {
    state.open = () => Promise.reject(new Error('no'))
    let underWay = 0
    let most = 0
    const { log } = openLog({
      platform,
      open: async (onLost) => {
        const store = await setup.open!(onLost)
        return {
          ...store,
          async commit(given) {
            most = Math.max(most, ++underWay)
            await store.commit(given)
            underWay--
          },
        }
      },
    })
    await log.append(events(1, 3))
    state.open = null
    void platform.advance(10_000)
    await until(() => underWay === 1)
    await log.append(events(4, 4))
    await until(() => log.committed() === 4)
    expect(most).toBe(1)
  })

  it.each(['stands', 'fails'])(
    'takes no word of a commit that %s after its connection is lost',
    async (how) => {
      const commit = defer<void>()
      let onLost = () => {}
      let hangs = false
      let underWay = false
      const { log, led, durable } = openLog({
        platform,
        open: async (lost) => {
          onLost = lost
          const store = await openLogStore('log', lost)
          const hang = () => {
            underWay = true
            return commit.promise
          }
          return { ...store, commit: (given) => (hangs ? hang() : store.commit(given)) }
        },
      })
      await led
      hangs = true
      await log.append(events(1, 2))
      await platform.advance(0)
      expect(underWay).toBe(true)
      onLost()
      if (how === 'stands') commit.resolve()
      else commit.reject(new Error('aborted'))
      await settle()
      expect([log.committed(), durable.length, log.isDurable()]).toEqual([0, 1, false])
    },
  )

  it('closes a connection that opens after it is closed itself', async () => {
    const opening = defer<LogStore>()
    let first = true
    const { log } = openLog({
      platform,
      open() {
        if (!first) return opening.promise
        first = false
        return Promise.reject(new Error('no'))
      },
    })
    await log.ready
    await platform.advance(1_000)
    const closing = log.close()
    let closed = 0
    const store = await openLogStore('log', () => {})
    opening.resolve({ ...store, close: () => void closed++ })
    await closing
    expect(closed).toBe(1)
    store.close()
  })

  it('no longer tries once it is closed', async () => {
    const { log, durable } = openLog(setup)
    await log.ready
    await log.close()
    expect(state).toMatchObject({ opened: 1, closed: 1 })
    await platform.advance(60_000)
    expect(state.opened).toBe(1)
    expect(durable.filter((cause) => cause !== null)).toEqual([])
  })
})
