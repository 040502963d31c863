import { expect, expectExactlyOnce, test } from './fixtures.ts'

test('S1 A2 eight tabs share one stream and one token exchange, counted at the server', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(8)
  expect(backend.connections()).toMatchObject({ total: 1, opened: 1, refused: 0, replaced: 0 })
  expect(backend.peak()).toBe(1)
  expect((await tabs[0]!.inspect()).sessions).toHaveLength(8)
  const exchanges = await backend.requests('/api/v1/auth/sse-token')
  expect(exchanges).toEqual([expect.objectContaining({ method: 'POST', credential: 'header', status: 200 })])
  expect(
    (await Promise.all(tabs.map(({ record }) => record()))).map(({ tokensAsked }) => tokensAsked).sort(),
  ).toEqual([0, 0, 0, 0, 0, 0, 0, 1])
  // A tab that comes or goes opens no other one, not even the tab that the worker began with.
  await tabs[7]!.close()
  await tabs[1]!.close()
  await backend.publish()
  await expectExactlyOnce([tabs[0]!, tabs[6]!], backend.published())
  expect(backend.connections()).toMatchObject({ total: 1, opened: 1 })
})

test('D1 each of eight tabs gets all of 1,000 events exactly once and in order', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(8)
  // Alone, in handfuls and in floods: a hub delivers each of them differently.
  for (let sent = 0; sent < 50; sent++) await backend.publish()
  for (let sent = 0; sent < 450; sent += 15) await backend.publish(15)
  await backend.publish(500)
  expect(backend.published()).toHaveLength(1_000)
  await expectExactlyOnce(tabs, backend.published(), 30_000)
  expect(backend.connections()).toMatchObject({ total: 1, opened: 1 })
  for (const tab of tabs) expect(await tab.record()).toMatchObject({ errors: [], resets: [], reported: [] })
})

test('S1 two users of one browser have a stream each, and A3 neither hears of the other', async ({
  backend,
  open,
}) => {
  const ada = await open({ user: 'ada' })
  const bob = await open({ user: 'bob' })
  await ada.until('open')
  await bob.until('open')
  await backend.publish(3, 'ada')
  await backend.publish(5, 'bob')
  await expectExactlyOnce([ada], backend.published('ada'))
  await expectExactlyOnce([bob], backend.published('bob'))
  expect([backend.peak('ada'), backend.peak('bob')]).toEqual([1, 1])
})

test('A3 a cookie that another user of the browser overwrote opens none of their streams', async ({
  backend,
  open,
}) => {
  const ada = await open({ user: 'ada' })
  await ada.until('open')
  const bob = await open({ user: 'bob' })
  await bob.until('open')
  // The browser's one cookie is bob's now, and ada's stream reconnects with it.
  backend.proxy.cut()
  await backend.publish(5, 'bob')
  await backend.publish(3, 'ada')
  await expectExactlyOnce([bob], backend.published('bob'))
  await expectExactlyOnce([ada], backend.published('ada'))
})
