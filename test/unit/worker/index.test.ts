import 'fake-indexeddb/auto'
import { wrap } from 'comlink'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { plainKey, tabLock } from '../../../src/shared/names.ts'
import { type HubApi, PROTOCOL, type Welcome } from '../../../src/shared/protocol.ts'
import { OPTIONS } from '../harness/connection.ts'
import { createFakeLocks, type FakeLocks } from '../harness/locks.ts'
import { clearIndexedDb } from '../harness/log.ts'
import { createFakeServer, type FakeServer } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

const hello = {
  protocol: PROTOCOL,
  key: plainKey(OPTIONS.url, OPTIONS.user),
  options: OPTIONS,
  cursor: null,
  lineage: null,
  from: 'now' as const,
  follow: { types: [], topics: {} },
  urgent: [],
  since: 0,
  visible: true,
}

describe('serve()', () => {
  let scope: EventTarget
  let server: FakeServer
  let locks: FakeLocks

  beforeEach(() => {
    clearIndexedDb()
    vi.resetModules()
    scope = new EventTarget()
    server = createFakeServer()
    locks = createFakeLocks()
    vi.stubGlobal('navigator', { locks, onLine: true })
    vi.stubGlobal('location', { origin: 'https://app.test' })
    vi.stubGlobal('fetch', server.fetch)
    vi.stubGlobal('addEventListener', scope.addEventListener.bind(scope))
    vi.stubGlobal('removeEventListener', scope.removeEventListener.bind(scope))
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  const serve = async () => (await import('../../../worker/index.ts')).serve()
  const attach = async (port: MessagePort, tab: string) => {
    locks.hold(tabLock(tab))
    const welcome = (await wrap<HubApi>(port).attach({ ...hello, tab })) as Welcome
    if (!welcome.ok) throw new Error(welcome.error.message)
    return welcome
  }

  it('outside a worker throws a TypeError that says where it belongs', async () => {
    await expect(serve()).rejects.toThrow(TypeError)
    await expect(serve()).rejects.toThrow(/worker file.*connect\(\)/)
  })

  it('in a SharedWorker is one hub for every port that connects', async () => {
    vi.stubGlobal('onconnect', null)
    await serve()
    const incarnations: string[] = []
    const ports: MessagePort[] = []
    for (const tabs of [1, 2]) {
      const { port1, port2 } = new MessageChannel()
      ports.push(port1)
      scope.dispatchEvent(Object.assign(new Event('connect'), { ports: [port1] }))
      const welcome = await attach(port2, `tab-${tabs}`)
      expect(welcome.status).toMatchObject({ host: 'shared-worker', tabs })
      incarnations.push(welcome.incarnation)
    }
    expect(new Set(incarnations).size).toBe(1)
    await until(() => server.requests.length > 0)
    expect(server.requests[0]!.headers.get('stream-client')).toBeTruthy()
    // Without an answer the hub would try again, long after the test has taken its globals away.
    server.requests[0]!.answer(204)
    await settle()
    for (const port of ports) port.close()
  })
})
