import { beforeEach, describe, expect, it } from 'vitest'
import { unpack } from '../../../../src/shared/packed-events.ts'
import type { Batch } from '../../../../src/shared/protocol.ts'
import type { Log } from '../../../../worker/log/log.ts'
import { type LogStore, openLogStore } from '../../../../worker/log/store.ts'
import { createSession, type Session } from '../../../../worker/tabs/session.ts'
import { createSharedReads } from '../../../../worker/tabs/shared-reads.ts'
import { clearIndexedDb, committed, event, ids, openLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { defer, settle, until } from '../../harness/turns.ts'

/*
 * The fault that this is against. A tab follows Y; Y1 and X2 come. It follows X as well; X3 comes, and it hears that.
 * The hub dies before it commits, and the next one gets all three again: the tab would hear X2 after X3.
 */
describe('D1 a tab joins a type at a place that is committed', () => {
  let platform: FakePlatform
  let log: Log
  let session: Session
  let batches: Batch[]
  /** Commits wait for it. */
  let gate: Promise<void>

  const open = async (store?: (onLost: () => void) => Promise<LogStore>) => {
    clearIndexedDb()
    platform = createFakePlatform()
    gate = Promise.resolve()
    batches = []
    const gated = async (onLost: () => void): Promise<LogStore> => {
      const real = await openLogStore('log', onLost)
      return {
        ...real,
        async commit(given) {
          await gate
          await real.commit(given)
        },
      }
    }
    const opened = openLog({ platform, open: store ?? gated, onChange: () => session?.pump() })
    log = opened.log
    await opened.led
    session = createSession({
      platform,
      tab: 'tab-1',
      remote: {
        async deliver(batch) {
          batches.push(unpack(batch))
        },
        status: async () => {},
        error: async () => {},
        signOut: async () => {},
        accessToken: async () => ({ ok: true, token: 't' }),
      },
      log,
      reads: createSharedReads(log),
      metrics: { delivered: () => {} },
      cursor: log.start('now')!,
      lineage: log.lineage(),
      reset: null,
      mostWaiting: 0,
      isBeforeFirstDelivery: false,
      beginsAfter: null,
      since: platform.now(),
      follow: { types: ['y'], topics: {} },
      urgent: [],
      mayWait: false,
      visible: true,
      onReset: () => {},
      onFailed: () => {},
    })
  }
  const heard = () => batches.flatMap((batch) => ids(batch.events))
  const append = async (id: string) => {
    await log.append([event(id, id, id[0])])
    await settle()
  }

  beforeEach(() => open())

  it('a tab that joins gets nothing before the commit, then all that came since', async () => {
    const held = defer<void>()
    gate = held.promise
    await append('y1')
    await append('x2')
    expect(heard()).toEqual(['y1'])
    session.follow({ types: ['y', 'x'], topics: {} }, [])
    session.pump()
    await append('x3')
    await append('y4')
    expect(heard()).toEqual(['y1'])
    expect(session.inspect().follows.types).toEqual(['y', 'x'])
    held.resolve()
    await until(() => heard().length > 1)
    expect(heard()).toEqual(['y1', 'x3', 'y4'])
    expect(log.committed()).toBeGreaterThanOrEqual(2)
  })

  it('the hub hurries to commit for a tab that joins', async () => {
    await append('y1')
    await append('x2')
    await append('y3')
    session.follow({ types: '*', topics: {} }, [])
    session.pump()
    // No time goes on: the spacing of commits is not waited for.
    await until(() => log.committed() === log.head())
    await append('x4')
    await until(() => heard().includes('x4'))
    expect(heard()).toEqual(['y1', 'y3', 'x4'])
  })

  it('a tab joins at once where all that it has had is committed', async () => {
    await append('y1')
    await committed(log, platform)
    gate = new Promise(() => {})
    session.follow({ types: ['x'], topics: {} }, [])
    session.pump()
    await append('x2')
    expect(heard()).toEqual(['y1', 'x2'])
  })

  it('a tab joins at once without IndexedDB: nothing is ever committed there', async () => {
    await open(() => Promise.reject(new Error('no disk')))
    await append('y1')
    await append('x2')
    session.follow({ types: ['y', 'x'], topics: {} }, [])
    session.pump()
    await append('x3')
    expect(heard()).toEqual(['y1', 'x3'])
  })

  it('a tab joins after 0.5 s in any case: the leader may have no IndexedDB', async () => {
    gate = new Promise(() => {})
    await append('y1')
    await append('x2')
    session.follow({ types: ['y', 'x'], topics: {} }, [])
    session.pump()
    await append('x3')
    await platform.advance(499)
    expect(heard()).toEqual(['y1'])
    await platform.advance(1)
    expect(heard()).toEqual(['y1', 'x3'])
  })

  it('a tab leaves a type at once', async () => {
    gate = new Promise(() => {})
    await append('y1')
    session.follow({ types: [], topics: {} }, [])
    session.pump()
    await append('y2')
    expect(heard()).toEqual(['y1'])
  })
})
