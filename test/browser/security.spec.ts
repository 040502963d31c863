import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright/test'
import { eventually, expect, range, test } from './fixtures.ts'
import { frame, openStream, startOddServer } from './odd-server.ts'
import { openTab } from './tab.ts'

const exchangePath = '/api/v1/auth/sse-token'
const signed = 'workflow.failed'
const staticDir = fileURLToPath(new URL('./app/dist', import.meta.url))

/** All that reaches a page: what its ports bring, what its console and its errors say. Before any of its scripts. */
const listen = async (page: Page) => {
  const said: string[] = []
  page.on('console', (message) => said.push(message.text()))
  page.on('pageerror', (error) => said.push(String(error), error.stack ?? ''))
  await page.addInitScript(() => {
    const heard: string[] = []
    Object.assign(window, { heard })
    const add = EventTarget.prototype.addEventListener
    const isPort = (target: unknown) => target instanceof MessagePort || target instanceof Worker
    const tell = (event: Event) => {
      heard.push(JSON.stringify((event as MessageEvent).data))
    }
    EventTarget.prototype.addEventListener = function (this: EventTarget, ...args) {
      if (args[0] === 'message' && isPort(this)) add.call(this, 'message', tell)
      return add.apply(this, args as Parameters<typeof add>)
    }
  })
  return said
}

/** Every store of every database of the origin, and the other storages. */
const stored = (page: Page) =>
  page.evaluate(async () => {
    const asked = <T>(request: IDBRequest<T>) =>
      new Promise<T>((done, fail) => {
        request.onsuccess = () => done(request.result)
        request.onerror = () => fail(request.error)
      })
    const all: unknown[] = [{ ...localStorage }, { ...sessionStorage }, document.cookie]
    for (const { name } of await indexedDB.databases()) {
      const database = await asked(indexedDB.open(name!))
      for (const store of database.objectStoreNames) {
        const from = database.transaction(store).objectStore(store)
        all.push(name, await asked(from.getAllKeys()), await asked(from.getAll()))
      }
      database.close()
    }
    return JSON.stringify(all)
  })

for (const mode of ['cookie', 'header'] as const)
  test(`A1 the canary: with the SSE token in a ${mode} no credential is anywhere but where it belongs`, async ({
    context,
  }) => {
    const urls: string[] = []
    const credentials: string[] = []
    const streams: ServerResponse[] = []
    let exchanges = 0
    const note = ({ url, headers }: IncomingMessage) => {
      urls.push(String(url))
      credentials.push(String(headers.authorization), String(headers.cookie))
    }
    const json = (response: ServerResponse, body: unknown, headers = {}) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const server = await startOddServer(staticDir, {
      '/api/v1/auth/login': (_, response) => json(response, { access_token: 'canary-access' }),
      '/exchange': (request, response) => {
        note(request)
        const token = `canary-sse-${++exchanges}`
        const expires_at = Date.now() / 1_000 + 600
        if (mode === 'header') json(response, { sse_token: token, expires_at })
        else json(response, { expires_at }, { 'set-cookie': `sse=${token}; HttpOnly; SameSite=Strict` })
      },
      '/stream': (request, response) => {
        note(request)
        // Refused once, cut once: errors and second tokens are where things leak.
        if (streams.push(response) === 1) return void response.writeHead(401).end('canary-access')
        openStream(response, frame(streams.length))
      },
    })
    try {
      const page = await context.newPage()
      const said = await listen(page)
      context.on('request', (request) => urls.push(request.url()))
      await page.goto(server.url)
      await page.evaluate((start) => window.start(start), { url: '/stream', exchange: '/exchange' })
      const heard = () => page.evaluate(() => window.record.events.length)
      await eventually(heard, { timeout: 15_000 }).toBe(1)
      streams.at(-1)!.destroy()
      await eventually(heard, { timeout: 15_000 }).toBe(2)

      const expected = mode === 'header' ? 'Bearer canary-sse-2' : 'sse=canary-sse-2'
      expect(credentials).toContain('Bearer canary-access')
      expect(credentials).toContain(expected)
      const shown = await page.evaluate(async () => {
        const { stream, record } = window
        const { heard: ports } = window as unknown as { heard: string[] }
        return {
          ports,
          own: JSON.stringify([stream.status, await stream.inspect(), await stream.metrics(), record]),
        }
      })
      // That something was looked at: a batch at the port, an event in the database, an error.
      expect(shown.ports.join()).toContain('tick')
      expect(shown.own).toContain('The connection ended.')
      const kept = await stored(page)
      expect(kept).toContain('tick')
      const all = [...urls, ...shown.ports, shown.own, ...said, kept].join('\n')
      expect(all).not.toContain('canary')
      expect(all).not.toContain('Bearer')
    } finally {
      await server.close()
    }
  })

test.describe('with tokens that live for 15 s', () => {
  test.use({ backendOptions: { sseTokenLife: 15 } })

  test('A2 20 tabs at the moment of expiry: 1 exchange', async ({ backend, openTabs }) => {
    // Firefox takes its time over 20 tabs.
    test.setTimeout(240_000)
    const tabs = await openTabs(20)
    const exchanges = async () => (await backend.requests(exchangePath)).length
    const asked = async () => {
      const records = await Promise.all(tabs.map(({ record }) => record()))
      return records.reduce((sum, { tokensAsked }) => sum + tokensAsked, 0)
    }
    const begun = await exchanges()
    await eventually(exchanges, { timeout: 60_000 }).toBeGreaterThan(begun)
    await backend.publish(5)
    for (const tab of tabs) await tab.received(5)
    // As many exchanges as streams, and as many questions to tabs as exchanges: none was made for nothing.
    await eventually(async () => (await exchanges()) - backend.connections().opened).toBe(0)
    await eventually(async () => (await asked()) - (await exchanges())).toBe(0)
    expect(backend.peak()).toBe(1)
  })
})

test('A3 a tab that goes from one user to the other 50 times hears no event of the other’s', async ({
  backend,
  open,
}) => {
  test.setTimeout(120_000)
  const stay = [await open({ user: 'ada' }), await open({ user: 'bob' })]
  for (const tab of stay) await tab.until('open')
  const tab = await open({ user: 'ada' })
  await tab.until('open')
  const ids: Record<string, Set<string>> = { ada: new Set(), bob: new Set() }
  const heard: { user: string; id: string }[] = []
  for (const at of range(1, 50)) {
    const user = at % 2 === 0 ? 'ada' : 'bob'
    const before = at % 2 === 0 ? 'bob' : 'ada'
    await Promise.all([backend.publish(1, 'ada'), backend.publish(1, 'bob')])
    const events = await tab.page.evaluate((next) => {
      window.stream.close()
      const { events: old } = window.record
      window.record.events = []
      window.start({ user: next, connect: { from: { last: 1 } } })
      return old
    }, user)
    heard.push(...events.map(({ id }) => ({ user: before, id })))
  }
  for (const [at, user] of ['ada', 'bob'].entries()) {
    await stay[at]!.received(50)
    for (const { id } of (await stay[at]!.record()).events) ids[user]!.add(id)
  }
  expect(ids.ada!.size + ids.bob!.size).toBe(100)
  expect(heard.length).toBeGreaterThan(20)
  expect(heard.filter(({ user, id }) => !ids[user]!.has(id))).toEqual([])
  expect([backend.peak('ada'), backend.peak('bob')]).toEqual([1, 1])
})

for (const host of ['shared-worker', 'worker'] as const)
  test(`A4 sign-out in the middle of a replay, hubs in a ${host}: 0 events in any tab after it resolves`, async ({
    backend,
    open,
  }) => {
    await backend.publish(1)
    const tabs = [await open({ host }), await open({ host }), await open({ host })]
    for (const tab of tabs) await tab.until('open')
    await backend.publish(2_000)
    await tabs[0]!.received(200)
    await tabs[0]!.page.evaluate(() => window.stream.signOut())
    const heard = () => Promise.all(tabs.map(async (tab) => (await tab.record()).events.length))
    const then = await heard()
    for (const tab of tabs) await tab.until('closed')
    await backend.publish(50)
    await eventually(() => backend.streams()).toBe(0)
    expect(await heard()).toEqual(then)
    expect(
      await tabs[0]!.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name)),
    ).toEqual([])

    // Afresh, by another log-in.
    await tabs[1]!.page.evaluate((start) => window.start(start), { host })
    await tabs[1]!.until('open')
    await backend.publish(1)
    await tabs[1]!.received(backend.published().at(-1)!)
  })

test.describe('with signed events', () => {
  test.use({ backendOptions: { critical: [signed], audience: 'the-app' } })
  const verify = { jwks: '/.well-known/jwks.json', audience: 'the-app', types: [signed] }

  test('A5 what the server signs is delivered, over a rotation of its keys; what it did not sign is not', async ({
    backend,
    open,
  }) => {
    const tab = await open({ connect: { verify } })
    await tab.until('open')
    const send = (body: unknown, path = 'publish') => backend.debug(path, body)
    const fail = (n: number) => ({ type: signed, data: { n, id: `w-${n}`, reason: 'no ink' } })
    await send({ user: 'ada', events: [fail(1)] })
    await tab.received(1)
    await send({}, 'rotate-keys')
    await send({ user: 'ada', events: [fail(2), { ...fail(3), raw: '{"n":3}' }, fail(4)] })
    await tab.received(4)
    expect(await tab.numbers()).toEqual([1, 2, 4])
    const { errors } = await tab.record()
    expect(errors).toMatchObject([{ kind: 'signature', state: 'open', retryable: true }])
    expect((await tab.metrics()).errors.byKind.signature).toBe(1)
  })

  test('A5 of another audience none is delivered', async ({ backend, open }) => {
    const tab = await open({ connect: { verify: { ...verify, audience: 'another' } } })
    await tab.until('open')
    await backend.debug('publish', { user: 'ada', events: [{ type: signed, data: { n: 1 } }] })
    await eventually(async () => (await tab.record()).errors.length).toBe(1)
    await backend.publish(1)
    await eventually(async () => (await tab.record()).events.length).toBe(1)
    expect((await tab.record()).events[0]!.type).not.toBe(signed)
  })
})

test('A6, S6 a redirect to another origin: not one request arrives there', async ({ context }) => {
  const arrived: string[] = []
  const other = createServer((request, response) => {
    arrived.push(`${request.method} ${request.url}`)
    response.writeHead(200, {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': '*',
      'content-type': 'text/event-stream',
    })
    response.end('data: {}\n\n')
  })
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
  const redirect = (status: number) => (_: unknown, response: ServerResponse) => {
    response.writeHead(status, { location: elsewhere }).end()
  }
  const json = (body: string) => (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  }
  const server = await startOddServer(staticDir, {
    '/stream-302': redirect(302),
    '/stream-307': redirect(307),
    '/exchange-307': redirect(307),
    '/exchange-308': redirect(308),
    '/exchange': json('{"sse_token":"secret","expires_at":4000000000}'),
    '/api/v1/auth/login': json('{"access_token":"secret"}'),
  })
  try {
    const cases = [
      { url: '/stream-302', exchange: null },
      { url: '/stream-307', exchange: null },
      { url: '/stream-302', exchange: '/exchange' },
      { url: '/stream-307', exchange: '/exchange' },
      { url: '/stream-302', exchange: '/exchange-307' },
      { url: '/stream-302', exchange: '/exchange-308' },
    ]
    for (const [at, { url, exchange }] of cases.entries()) {
      const tab = await openTab(context, server.url, { url, exchange, user: `user-${at}` })
      await eventually(async () => (await tab.record()).errors.length, { timeout: 15_000 }).toBeGreaterThan(0)
      const { errors } = await tab.record()
      expect(errors[0]!.retryable).toBe(true)
      await tab.page.close()
    }
    expect(server.requestsOf('/stream-302').length).toBeGreaterThan(0)
    expect(server.requestsOf('/exchange-307').length).toBeGreaterThan(0)
    expect(arrived).toEqual([])
  } finally {
    await server.close()
    other.closeAllConnections()
    other.close()
  }
})
