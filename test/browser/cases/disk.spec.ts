import { createStreams, eventually, expect, frame, test } from './fixtures.ts'

test('B2 a hub that starts deletes the logs of its origin that nobody has used for `log.age`', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({ '/stream': (_request, response) => streams.open(response) })
  const use = async (user: string, age: number) => {
    const tab = await visit(server, { user, connect: { log: { age } } })
    await tab.until('open')
    streams.write(frame(1))
    await tab.received(1)
    await tab.committed()
    const { key } = await tab.inspect()
    return { tab, key }
  }
  const databases = (page: { evaluate<T>(run: () => Promise<T>): Promise<T> }) =>
    page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name!))
  const old = await use('old', 1_000)
  const kept = await use('kept', 3_600_000)
  const namesOf = async (key: string) => (await databases(kept.tab.page)).filter((name) => name.includes(key))
  expect(await namesOf(old.key)).toHaveLength(1)
  await old.tab.harm('close')
  await old.tab.close()
  await kept.tab.close()
  await eventually(() => streams.count()).toBe(0)
  // Longer than its log may live.
  const next = await use('next', 1_000)
  const names = () => databases(next.tab.page)
  await eventually(async () => (await names()).some((name) => name.includes(old.key)), {
    timeout: 15_000,
  }).toBe(false)
  expect(await names()).toEqual(expect.arrayContaining([expect.stringContaining(kept.key)]))
})
