import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'

const exchangePath = '/api/v1/auth/sse-token'

test.describe('with short-lived tokens', () => {
  // Renewed a fifth of its life ahead, and no sooner than 10 s after the one before: three seconds before it expires.
  test.use({ backendOptions: { sseTokenLife: 14 } })

  test('A2 a token is renewed, once for all tabs, with no gap in what is published meanwhile', async ({
    backend,
    openTabs,
  }) => {
    test.setTimeout(90_000)
    const tabs = await openTabs(4)
    const exchanges = async () => (await backend.requests(exchangePath)).length
    const begun = await exchanges()
    await eventually(
      async () => {
        await backend.publish()
        return (await exchanges()) - begun
      },
      { timeout: 45_000 },
    ).toBeGreaterThanOrEqual(2)
    await expectExactlyOnce(tabs, backend.published())

    // One more exchange than streams while the new stream is being opened; then as many.
    await eventually(async () => (await exchanges()) - backend.connections().opened).toBe(0)
    const records = await Promise.all(tabs.map(({ record }) => record()))
    expect(records.reduce((sum, { tokensAsked }) => sum + tokensAsked, 0)).toBe(await exchanges())
    const { refused, replaced } = backend.connections()
    expect({ refused, replaced, peak: backend.peak() }).toEqual({ refused: 0, replaced: 0, peak: 1 })
    for (const { errors, resets } of records) expect({ errors, resets }).toEqual({ errors: [], resets: [] })
  })
})

test('A1 no credential in a URL, in storage, in a status or in an inspection', async ({
  backend,
  open,
  context,
}) => {
  const tab = await open()
  await tab.until('open')
  await backend.publish(3)
  await expectExactlyOnce([tab], backend.published())
  const cookies = await context.cookies(`${backend.url}/api/v1/events/stream`)
  const secrets = cookies.map(({ value }) => value)
  expect(secrets.length).toBeGreaterThan(0)
  expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true)

  const requests = [
    ...(await backend.requests('/api/v1/events/stream')),
    ...(await backend.requests(exchangePath)),
  ]
  expect(requests.length).toBe(2)
  for (const { url, credential } of requests) {
    expect(url).not.toContain('?')
    expect(credential).not.toBe('none')
  }

  const kept = await tab.page.evaluate(async () => {
    const asked = <T>(request: IDBRequest<T>) =>
      new Promise<T>((done, fail) => {
        request.onsuccess = () => done(request.result)
        request.onerror = () => fail(request.error)
      })
    const stored: unknown[] = [{ ...localStorage }, { ...sessionStorage }]
    for (const { name } of await indexedDB.databases()) {
      const database = await asked(indexedDB.open(name!))
      for (const store of database.objectStoreNames)
        stored.push(await asked(database.transaction(store).objectStore(store).getAll()))
      database.close()
    }
    const { stream, record } = window
    return JSON.stringify([stored, stream.status, await stream.inspect(), await stream.metrics(), record])
  })
  // Every JWT begins like this, the access token included.
  for (const secret of [...secrets, 'eyJ', 'Bearer']) expect(kept).not.toContain(secret)
})
