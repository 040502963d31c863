import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../worker/base/close-grace.ts'
import { openHub, openTab, type TestHub } from '../unit/harness/hub.ts'
import { type FakeRequest, sse } from '../unit/harness/server.ts'
import { settle, until } from '../unit/harness/turns.ts'

const EXCHANGE = 'https://app.test/token'
const SECRET = 'a private thing of bob'

/**
 * Ann's tab refreshes its access token from a cookie of her browser, where Bob has logged in meanwhile: the token that
 * comes is Bob's, and so is the stream that it opens.
 */
describe('A3 a stream of ann whose token has become that of bob', () => {
  let test: TestHub
  /** Whom the exchange gives its token for, and whose stream the server opens; `null`: they do not say. */
  let exchangeSays: string | null
  let streamSays: string | null
  let streams: FakeRequest[]

  beforeEach(() => {
    test = openHub()
    exchangeSays = streamSays = null
    streams = []
    test.platform.server.handle((request) => {
      if (request.url === EXCHANGE)
        return request.json({
          sse_token: 'sse',
          expires_in: 600,
          ...(exchangeSays === null ? {} : { user: exchangeSays }),
        })
      streams.push(request)
      const body = request.stream(streamSays === null ? {} : { 'stream-user': streamSays })
      body.push(sse('1', SECRET))
    })
  })
  afterEach(() => test.close())

  const nothingOfBobs = async (tab: Awaited<ReturnType<typeof openTab>>) => {
    await settle()
    // The stream of another user is closed before anything else is tried (S1).
    await test.platform.advance(CLOSE_GRACE)
    await until(() => tab.status()?.state === 'unauthorized')
    await settle(100)
    const inspection = await tab.hub.inspect({ heads: { last: 10 } })
    expect([tab.ids(), inspection.heads, inspection.log.head, inspection.log.lastEventId]).toEqual([
      [],
      [],
      0,
      '',
    ])
    expect(tab.errors.at(-1)).toMatchObject({ kind: 'auth', message: expect.stringMatching(/another user/) })
    expect(JSON.stringify([tab.errors, tab.statuses, inspection])).not.toMatch(/bob/)
  }

  it('the exchange says so: no stream is opened', async () => {
    exchangeSays = 'bob'
    await nothingOfBobs(await openTab(test, { options: { auth: { exchange: EXCHANGE } } }))
    expect(streams).toHaveLength(0)
  })

  it.each([
    ['by an exchanged token', { exchange: EXCHANGE }],
    ['by the access token', { exchange: null }],
    ['by a cookie', null],
  ])('the stream says so, opened %s: none of its events is delivered or stored', async (_, auth) => {
    streamSays = 'bob'
    await nothingOfBobs(await openTab(test, { options: { auth } }))
    expect(streams.every((each) => each.aborted())).toBe(true)
    expect(streams.length).toBeLessThanOrEqual(2)
  })

  it('the application says so of its token: nothing is sent', async () => {
    const accessToken = () => ({ ok: true as const, token: 'access', user: 'bob' })
    await nothingOfBobs(await openTab(test, { options: { auth: { exchange: null } }, accessToken }))
    expect(test.platform.server.requests).toHaveLength(0)
  })

  it('at a renewal: what the stream of ann had brought stays, and nothing of bob comes', async () => {
    streamSays = 'ann'
    const tab = await openTab(test, {
      options: { auth: { exchange: EXCHANGE }, heartbeat: { timeout: 1e9, misses: 1 } },
    })
    await until(() => tab.ids().length === 1)
    streamSays = 'bob'
    await test.platform.advance(600_000)
    await until(() => tab.status()?.state === 'unauthorized')
    expect(tab.ids()).toEqual(['1'])
    expect(tab.errors.at(-1)).toMatchObject({ kind: 'auth', message: expect.stringMatching(/another user/) })
  })

  it.each([
    ['the same, percent-encoded', 'Ünïcode@beispiel.de', '%C3%9Cn%C3%AFcode%40beispiel.de'],
    ['the same as it is', 'ann', 'ann'],
    ['what is no percent-encoding', '100%', '100%'],
    ['anybody, where the stream is everybody’s', null, 'bob'],
  ])('is none where the stream says %s', async (_, user, header) => {
    streamSays = header
    const tab = await openTab(test, { options: { user } })
    await until(() => tab.ids().length === 1)
    expect(tab.status()?.state).toBe('open')
  })
})
