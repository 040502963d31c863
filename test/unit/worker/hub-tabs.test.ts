import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tabLock } from '../../../src/shared/names.ts'
import { PROTOCOL } from '../../../src/shared/protocol.ts'
import { createVerifier } from '../../../worker/verify/index.ts'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { settle, until } from '../harness/turns.ts'

describe('the tabs of a hub, coming and going', () => {
  let test: TestHub

  beforeEach(() => {
    test = openHub()
  })
  afterEach(() => test.close())

  const accept = async () => {
    const request = await test.platform.server.next()
    return { request, body: request.stream() }
  }

  it('T1 the session of a tab is gone with its lock, and the port with it', async () => {
    const stays = await openTab(test)
    const dies = await openTab(test)
    expect(test.platform.locks.queued(tabLock(dies.tab))).toBe(1)
    dies.die()
    await until(() => stays.status()?.tabs === 1)
    expect((await stays.hub.inspect()).sessions.map(({ tab }) => tab)).toEqual([stays.tab])
    expect(test.released()).toBe(1)
  })

  it('T1 the stream is held 2 s after the last tab has left, and opens again for the next one', async () => {
    const tab = await openTab(test)
    const { request } = await accept()
    await until(() => tab.status()?.state === 'open')
    tab.die()
    await settle()
    await test.platform.advance(1_999)
    expect(request.aborted()).toBe(false)
    await test.platform.advance(1)
    expect(request.aborted()).toBe(true)
    await test.platform.advance(60_000)
    expect(test.platform.server.requests).toHaveLength(1)
    const next = await openTab(test)
    await accept()
    await until(() => next.status()?.state === 'open')
  })

  it('T3 a reload within 2 s keeps the stream, though no tab was there in between', async () => {
    const tab = await openTab(test)
    const { request } = await accept()
    tab.die()
    await settle()
    await test.platform.advance(1_500)
    await openTab(test)
    await test.platform.advance(5_000)
    expect([request.aborted(), test.platform.server.requests.length]).toEqual([false, 1])
  })

  it('T1 500 openings and closings leave nothing', async () => {
    const stays = await openTab(test)
    await accept()
    await until(() => stays.status()?.state === 'open')
    await settle()
    const before = { timers: test.platform.timers(), locks: test.platform.locks.held().length }
    for (let count = 0; count < 500; count++) (await openTab(test)).die()
    await until(() => test.released() === 500)
    expect((await stays.hub.inspect()).sessions).toHaveLength(1)
    await settle()
    expect({ timers: test.platform.timers(), locks: test.platform.locks.held().length }).toEqual(before)
  })

  it('T1 a port over which no tab attaches is let go of after 5 s', async () => {
    test.connect()
    const tab = await openTab(test)
    await test.platform.advance(4_999)
    expect(test.released()).toBe(0)
    await test.platform.advance(1)
    expect(test.released()).toBe(1)
    await test.platform.advance(60_000)
    expect(test.released()).toBe(1)
    expect(await tab.hub.ping()).toMatchObject({ attached: true })
  })

  it('T1 the port of a tab that is refused is let go of, once the tab has been told why', async () => {
    const { welcome } = await openTab(test, { hello: { protocol: PROTOCOL + 1 } })
    expect(welcome).toMatchObject({ ok: false })
    expect(test.released()).toBe(0)
    await test.platform.advance(5_000)
    expect(test.released()).toBe(1)
  })

  it('T1 a dedicated worker, which its page ends, waits for as long as the page takes to attach', async () => {
    const own = openHub(test.platform, { host: 'worker' })
    own.connect()
    await test.platform.advance(60_000)
    expect(own.released()).toBe(0)
    await own.close()
  })

  it('T4 a tab of another protocol version is told to reload, and counts as no tab', async () => {
    const tab = await openTab(test, { hello: { protocol: PROTOCOL + 1 } })
    expect(tab.welcome).toMatchObject({
      ok: false,
      error: { kind: 'superseded', state: 'superseded', retryable: false },
    })
    const next = await openTab(test)
    expect(next.welcome).toMatchObject({ ok: true, status: { tabs: 1 } })
    await accept()
    await until(() => next.status()?.state === 'open')
    expect(test.platform.server.requests).toHaveLength(1)
    expect(tab.statuses).toEqual([])
  })

  it('A3 a tab of another user or URL is refused: its worker is another', async () => {
    await openTab(test)
    for (const options of [{ user: 'bob' }, { url: 'https://app.test/other' }]) {
      const tab = await openTab(test, { options })
      expect(tab.welcome).toMatchObject({ ok: false, error: { kind: 'worker', state: 'failed' } })
      expect(JSON.stringify(tab.welcome)).not.toContain('ann')
    }
  })

  it('A5 a tab that verifies is refused by a worker that cannot, and told what to write', async () => {
    const verify = { jwks: 'https://app.test/keys', audience: 'app', types: ['alarm'] }
    const { welcome } = await openTab(test, { options: { verify } })
    expect(welcome).toMatchObject({
      ok: false,
      error: { kind: 'signature', state: 'failed', retryable: false },
    })
    expect(JSON.stringify(welcome)).toContain('serve({ verifier: createVerifier })')
    const other = await openTab(test)
    await accept()
    await until(() => other.status()?.state === 'open')
    expect(test.platform.server.requests.map(({ url }) => url)).toEqual(['https://app.test/stream'])
  })

  it('A5 a tab that verifies shares no log with one that does not', async () => {
    const verify = { jwks: 'https://app.test/keys', audience: 'app', types: ['alarm'] }
    const verifying = openHub(undefined, { createVerifier })
    await openTab(verifying)
    const { welcome } = await openTab(verifying, { options: { verify } })
    expect(welcome).toMatchObject({ ok: false, error: { kind: 'worker' } })
    await verifying.close()
  })

  it('names the options in which a later tab differs; the first tab’s hold', async () => {
    await openTab(test)
    const options = { maxEventSize: 1, heartbeat: { timeout: 1, misses: 2 } }
    const tab = await openTab(test, { options })
    expect(tab.welcome).toMatchObject({ ok: true, differing: ['heartbeat', 'maxEventSize'] })
  })
})
