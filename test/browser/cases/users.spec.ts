import { createStreams, eventually, expect, frame, test } from './fixtures.ts'

/** Streams what the header says, to each tenant its own numbers. */
const startTenants = () => {
  const of = new Map<string, ReturnType<typeof createStreams>>()
  return {
    streamsOf: (tenant: string) => of.get(tenant)!,
    answer: (
      request: { headers: Record<string, unknown> },
      response: Parameters<ReturnType<typeof createStreams>['open']>[0],
    ) => {
      const tenant = String(request.headers['x-tenant'])
      const streams = of.get(tenant) ?? createStreams()
      of.set(tenant, streams)
      streams.open(response)
    },
  }
}

test('A3 two tabs of one user with different headers are two streams, and never hear each other', async ({
  serve,
  visit,
}) => {
  const tenants = startTenants()
  const server = await serve({ '/stream': tenants.answer })
  const open = (tenant: string) => visit(server, { connect: { headers: { 'X-Tenant': tenant } } })
  const tabs = { acme: await open('acme'), zeta: await open('zeta') }
  const second = await open('acme')
  for (const tab of [tabs.acme, tabs.zeta, second]) await tab.until('open')
  tenants.streamsOf('acme').write(frame(1))
  tenants.streamsOf('zeta').write(frame(2))
  await tabs.acme.received(1)
  await second.received(1)
  await tabs.zeta.received(2)
  expect(await tabs.acme.numbers()).toEqual([1])
  expect(await second.numbers()).toEqual([1])
  expect(await tabs.zeta.numbers()).toEqual([2])
  expect([tenants.streamsOf('acme').count(), tenants.streamsOf('zeta').count()]).toEqual([1, 1])
  // Nor what the other's log holds.
  await tabs.acme.committed()
  const late = await visit(server, { connect: { headers: { 'X-Tenant': 'zeta' }, from: 'start' } })
  await late.received(2)
  expect(await late.numbers()).toEqual([2])
})

test("A1 A3 no header's value gets into the name of a worker, a lock or a database", async ({
  serve,
  visit,
}) => {
  const tenants = startTenants()
  const server = await serve({ '/stream': tenants.answer })
  const tab = await visit(server, { connect: { headers: { 'X-Tenant': 'very-secret-tenant' } } })
  await tab.until('open')
  tenants.streamsOf('very-secret-tenant').write(frame(1))
  await tab.received(1)
  await tab.committed()
  const names = await tab.page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query()
    const { key } = await window.stream.inspect()
    return JSON.stringify([await indexedDB.databases(), held, pending, key])
  })
  expect(names).toContain('tabstream')
  expect(names).not.toContain('very-secret-tenant')
})

test('A3 streams that differ in `auth.exchange` alone are two', async ({ serve, visit }) => {
  const streams = createStreams()
  const token = (name: string) => (_request: unknown, response: Parameters<typeof streams.open>[0]) =>
    void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(`{"sse_token":"${name}","expires_in":600}`)
  const server = await serve({
    '/token-one': token('one'),
    '/token-two': token('two'),
    '/stream': (_request, response) => streams.open(response),
  })
  const one = await visit(server, { exchange: '/token-one', token: 'access' })
  const two = await visit(server, { exchange: '/token-two', token: 'access' })
  await one.until('open')
  await two.until('open')
  expect(streams.count()).toBe(2)
  const bearers = server.requestsOf('/stream').map(({ headers }) => headers.authorization)
  expect(bearers.sort()).toEqual(['Bearer one', 'Bearer two'])
})

test('E1 A3 SharedEventSource without a user throws a TypeError that says what to give, before any request', async ({
  serve,
  context,
}) => {
  const server = await serve({ '/stream': () => {} })
  const page = await context.newPage()
  await page.goto(server.url)
  const threw = await page.evaluate(() => {
    try {
      // @ts-expect-error: a page without types leaves it out.
      new window.SharedEventSource('/stream')
      return null
    } catch (error) {
      return [(error as Error).name, (error as Error).message]
    }
  })
  expect(threw).toEqual(['TypeError', expect.stringContaining('user')])
  expect(server.requestsOf('/stream')).toEqual([])
})

test("E1 A4 the next user of a cookie session hears its own events, and none of the former's, after signOut() of a SharedEventSource", async ({
  serve,
  context,
}) => {
  const of: Record<string, ReturnType<typeof createStreams>> = { ada: createStreams(), bob: createStreams() }
  const server = await serve({
    '/stream': ({ headers }, response) => of[/session=(\w+)/.exec(headers.cookie ?? '')![1]!]!.open(response),
  })
  const openAs = async (user: string) => {
    await context.addCookies([{ name: 'session', value: user, url: server.url }])
    const page = await context.newPage()
    await page.goto(server.url)
    await page.evaluate((name) => {
      const source = new window.SharedEventSource('/stream', { user: name })
      Object.assign(window, { source, heard: [] })
      source.addEventListener('tick', ({ data }) =>
        (window as never as { heard: number[] }).heard.push(JSON.parse(data).n),
      )
    }, user)
    const heard = () => page.evaluate(() => (window as never as { heard: number[] }).heard)
    return { page, heard }
  }
  const ada = await openAs('ada')
  await eventually(() => of.ada!.count()).toBe(1)
  of.ada!.write(frame(1))
  await eventually(ada.heard).toEqual([1])
  const after = await ada.page.evaluate(async () => {
    const { source } = window as never as { source: InstanceType<typeof window.SharedEventSource> }
    await source.signOut()
    return { readyState: source.readyState, databases: (await indexedDB.databases()).length }
  })
  expect(after).toEqual({ readyState: 2, databases: 0 })
  await eventually(() => of.ada!.count()).toBe(0)
  const bob = await openAs('bob')
  await eventually(() => of.bob!.count()).toBe(1)
  of.ada!.write(frame(2))
  of.bob!.write(frame(3))
  await eventually(bob.heard).toEqual([3])
  expect(await ada.heard()).toEqual([1])
})
