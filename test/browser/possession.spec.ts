import { get, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'
import { startFront } from './front.ts'
import { openTab } from './tab.ts'

const STREAM = '/api/v1/events/stream'
const EXCHANGE = '/api/v1/auth/sse-token'

test.describe('with short-lived tokens', () => {
  // Renewed three seconds before it expires, as in token.spec.ts.
  test.use({ backendOptions: { sseTokenLife: 14 } })

  test('A7 the reference server takes the proofs of all tabs, over a drop, a restart and a renewal', async ({
    backend,
    openTabs,
  }) => {
    const tabs = await openTabs(2, { dpop: true })
    await backend.publish(2)
    await expectExactlyOnce(tabs, backend.published())

    await backend.drop()
    await backend.publish(2)
    await expectExactlyOnce(tabs, backend.published())
    await backend.restart()
    await backend.publish(2)
    await expectExactlyOnce(tabs, backend.published())

    await eventually(async () => (await backend.requests(EXCHANGE)).length, {
      timeout: 30_000,
    }).toBeGreaterThan(0)
    await backend.publish(2)
    await expectExactlyOnce(tabs, backend.published())
    const streams = await backend.requests(STREAM)
    expect(streams.length).toBeGreaterThan(0)
    expect(streams.map(({ credential }) => credential)).toEqual(streams.map(() => 'header'))
    expect(streams.filter(({ status }) => status === 401)).toEqual([])
    const errors = (await Promise.all(tabs.map(({ record }) => record()))).flatMap((record) => record.errors)
    expect(errors.filter(({ kind }) => kind !== 'network')).toEqual([])
  })
})

test('A7 the request of a browser, taken on its way, opens nothing for who took it', async ({
  backend,
  context,
}) => {
  const front = await startFront(backend.port())
  const taken: IncomingHttpHeaders[] = []
  front.rewrite((headers) => void taken.push({ ...headers }))
  try {
    const url = `http://127.0.0.1:${front.port}`
    const tab = await openTab(context, url, { dpop: true })
    await tab.until('open')
    const [{ authorization, dpop, host, 'stream-client': client } = {}] = taken
    expect(authorization).toMatch(/^DPoP eyJ/)

    const opens = (headers: Record<string, unknown>) =>
      new Promise((done, fail) => {
        const own = { host, 'stream-client': client, ...headers } as OutgoingHttpHeaders
        const request = get(url + STREAM, { headers: own }, (response) => {
          done(response.statusCode)
          response.destroy()
        })
        request.on('error', fail)
      })
    expect(await opens({ authorization, dpop })).toBe(401)
    expect(await opens({ authorization })).toBe(401)
    expect(await opens({ authorization: authorization!.replace('DPoP', 'Bearer') })).toBe(401)
    expect(backend.connections()).toMatchObject({ opened: 1, replaced: 0 })
    expect((await tab.record()).errors).toEqual([])
  } finally {
    await front.close()
  }
})
