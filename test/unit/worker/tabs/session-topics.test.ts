import { beforeEach, describe, expect, it } from 'vitest'
import type { Follow, Types } from '../../../../src/shared/events.ts'
import { unpack } from '../../../../src/shared/packed-events.ts'
import type { Batch } from '../../../../src/shared/protocol.ts'
import type { Log } from '../../../../worker/log/log.ts'
import type { Received } from '../../../../worker/log/received.ts'
import { openLogStore } from '../../../../worker/log/store.ts'
import { createSession, type Session } from '../../../../worker/tabs/session.ts'
import { createSharedReads } from '../../../../worker/tabs/shared-reads.ts'
import { control, left, live, refusal } from '../../harness/controls.ts'
import { clearIndexedDb, committed, event, openLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { defer, settle, until } from '../../harness/turns.ts'

describe('a tab and its topics', () => {
  let platform: FakePlatform
  let log: Log
  let session: Session | undefined
  let batches: Batch[]
  /** Commits wait for it. */
  let gate: Promise<void>

  const follow = (topics: Record<string, Types>, types: Types = []): Follow => ({ types, topics })
  const open = (asked: Follow) => {
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
      isBeforeFirstDelivery: false,
      beginsAfter: null,
      since: platform.now(),
      follow: asked,
      urgent: [],
      mayWait: false,
      mostWaiting: 0,
      visible: true,
      onReset: () => {},
      onFailed: () => {},
    })
    session.pump()
    return session
  }
  /** A tab of before: what it was told when it came is forgotten. */
  const was = async (asked: Follow) => {
    open(asked)
    await settle()
    batches = []
  }
  const ask = async (asked: Follow) => {
    session!.follow(asked, [])
    session!.pump()
    await settle()
  }
  const append = async (...blocks: Received[]) => {
    await log.append(blocks)
    await settle()
  }
  const of = (id: string, topic: string | null, type = 'message') => event(id, id, type, topic)
  /** What the tab is told, in order: resets, topics, controls and the ids of events. */
  const told = () =>
    batches.flatMap(({ reset, topics, events }) => [
      ...(reset === null ? [] : [`reset ${reset}`]),
      ...Object.entries(topics ?? {}).map(([name, { is }]) => `(${name} ${is})`),
      ...events.map(({ type, topic, data, id }) => (type === '' ? `${topic} ${JSON.parse(data).is}` : id)),
    ])

  beforeEach(async () => {
    clearIndexedDb()
    platform = createFakePlatform()
    gate = Promise.resolve()
    batches = []
    session = undefined
    const opened = openLog({
      platform,
      onChange: () => session?.pump(),
      async open(onLost) {
        const real = await openLogStore('log', onLost)
        return {
          ...real,
          async commit(given) {
            await gate
            await real.commit(given)
          },
        }
      },
    })
    log = opened.log
    await opened.led
  })

  it('TO3 is told of a control once it is committed, and of what came before it at once', async () => {
    await was(follow({ a: '*' }, '*'))
    const held = defer<void>()
    gate = held.promise
    await append(of('1', null), live('a'), of('2', 'a'), of('3', null))
    expect(told()).toEqual(['1'])
    held.resolve()
    await until(() => told().length === 4)
    expect(told()).toEqual(['1', 'a live', '2', '3'])
  })

  it('TO3 another tab does not wait for that', async () => {
    await was(follow({ b: '*' }, '*'))
    gate = new Promise(() => {})
    await append(of('1', null), live('a'), of('2', 'a'), of('3', null))
    expect(told()).toEqual(['1', '3'])
  })

  it('TO3 it waits 0.5 s at most: a follower may have come too late to hear of the commit', async () => {
    await was(follow({ a: '*' }))
    gate = new Promise(() => {})
    await append(live('a'), of('1', 'a'))
    await platform.advance(499)
    expect(told()).toEqual([])
    await platform.advance(1)
    expect(told()).toEqual(['a live', '1'])
  })

  it('hears of its topics what it listens to, whatever it hears of the rest', async () => {
    await was(follow({ a: ['x'], b: [] }, ['y']))
    await append(live('a'), live('b'), live('c'))
    await append(
      of('1', 'a', 'x'),
      of('2', 'a', 'y'),
      of('3', 'b', 'x'),
      of('4', 'c', 'y'),
      of('5', null, 'x'),
    )
    await append(of('6', null, 'y'), left('b'), left('c'))
    await until(() => told().length >= 5)
    expect(told()).toEqual(['a live', 'b live', '1', '6', 'b left'])
  })

  it('TO2 a tab that joins a topic which the log has is told so at once', async () => {
    await was(follow({}))
    await append(live('a'), of('1', 'a'))
    await committed(log, platform)
    await ask(follow({ a: '*' }))
    await append(of('2', 'a'))
    expect(told()).toEqual(['(a live)', '2'])
  })

  it('TO2 it joins at a place that is committed', async () => {
    await was(follow({}))
    await append(live('a'))
    await committed(log, platform)
    const held = defer<void>()
    gate = held.promise
    await append(of('1', 'a'))
    await ask(follow({ a: '*' }))
    await append(of('2', 'a'))
    expect(told()).toEqual([])
    held.resolve()
    await until(() => told().length === 2)
    expect(told()).toEqual(['(a live)', '2'])
  })

  it('a tab that joins a topic which the log lacks is told nothing before the control', async () => {
    await was(follow({}))
    await append(live('a'), left('a'))
    await committed(log, platform)
    await ask(follow({ a: '*' }))
    expect(told()).toEqual([])
    await append(live('a'))
    await until(() => told().length > 0)
    expect(told()).toEqual(['a live'])
  })

  it('TO6 leave and join later: it is told anew', async () => {
    await was(follow({ a: '*' }))
    await append(live('a'), of('1', 'a'))
    await until(() => told().length === 2)
    await committed(log, platform)
    await ask(follow({}))
    await append(of('2', 'a'))
    await committed(log, platform)
    await ask(follow({ a: '*' }))
    await append(of('3', 'a'))
    expect(told()).toEqual(['a live', '1', '(a live)', '3'])
  })

  it('TO2 a tab that comes is told of each topic, also of one that this log does not have', async () => {
    await append(live('a'), of('1', 'a'))
    await committed(log, platform)
    open({ types: [], topics: Object.fromEntries(['a', 'b', 'constructor'].map((name) => [name, '*'])) })
    await settle()
    expect(told()).toEqual(['(a live)', '(b left)', '(constructor left)'])
  })

  it('TO2 a reset says which topics go on', async () => {
    await was(follow({ a: '*' }))
    await append(live('a'))
    await until(() => told().length === 1)
    await log.restart('server')
    await settle()
    expect(told()).toEqual(['a live', 'reset server', '(a live)'])
  })

  it('TO2 under another leader it is told again', async () => {
    await was(follow({ a: '*' }))
    await append(live('a'))
    await until(() => told().length === 1)
    session!.truncate()
    session!.pump()
    await settle()
    expect(told()).toEqual(['a live', '(a live)'])
  })

  it('TO4 a refusal holds for those who join within 30 s', async () => {
    await was(follow({}))
    const error = refusal('a', { at: platform.now() })
    await append(control('a', { is: 'refused', error }))
    await committed(log, platform)
    await ask(follow({ a: [] }))
    expect(batches.at(-1)?.topics).toEqual({ a: { is: 'refused', error } })
    await ask(follow({}))
    await platform.advance(30_000)
    await ask(follow({ a: [] }))
    expect(batches).toHaveLength(1)
  })
})
