import { eventually, expect, expectExactlyOnce, range, test } from './fixtures.ts'

test('D5 a first visit that names the event which its state contains misses nothing of what is published meanwhile', async ({
  backend,
  browser,
  context,
  open,
}) => {
  // The state as of the third event, as a page of the application fetches it.
  const source = await open()
  await source.until('open')
  await backend.publish(3)
  await source.received(3)
  const state = (await source.record()).events.at(-1)!
  await source.close()

  const publishing = new AbortController()
  const publisher = (async () => {
    while (!publishing.signal.aborted) await backend.publish(1)
  })()
  const visitor = await browser.newContext()
  try {
    await backend.publish(2)
    const tab = await open({ connect: { from: { after: state.id } } }, visitor)
    await tab.until('open')
    const seen = backend.published().length
    await tab.received(seen)
    publishing.abort()
    await publisher
    await expectExactlyOnce([tab], range(4, backend.published().length))
    expect((await tab.record()).resets).toEqual([])
    expect((await tab.status()).resume).toBe('continued')
  } finally {
    publishing.abort()
    await publisher
    await visitor.close()
  }
  expect(context.pages()).toHaveLength(0)
})

test('D5 a server that does not know the event which a first visit names says so, before anything newer', async ({
  backend,
  open,
}) => {
  const tab = await open({ connect: { from: { after: 'of another store' } } })
  await tab.until('open')
  await eventually(async () => (await tab.record()).resets).toEqual([{ reason: 'server' }])
  await backend.publish(2)
  await expectExactlyOnce([tab], [1, 2])
  expect((await tab.record()).resetsAt).toEqual([0])
})
