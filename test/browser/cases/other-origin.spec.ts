import { eventually, expect, openStream, serveWorker, test } from './fixtures.ts'

test("T2 a worker's script of another origin: connect() does not throw, the state says that no worker starts, and the error what to check", async ({
  serve,
  visit,
  browserName,
}) => {
  const server = await serve({ '/stream': (_request, response) => openStream(response) })
  const elsewhere = await serve({ '/worker.js': serveWorker() })
  const tab = await visit(server, { worker: `${elsewhere.url}/worker.js` })
  expect(tab.threw).toBeUndefined()
  // Chromium's constructors throw. Firefox fires `error`, which does not differ from that of a script that is missing.
  await tab.until(browserName === 'chromium' ? 'failed' : 'waiting')
  await eventually(async () => (await tab.record()).errors.length).toBe(1)
  const { errors, reported } = await tab.record()
  expect(errors[0]).toMatchObject({ kind: 'worker', retryable: browserName !== 'chromium' })
  expect(errors[0]!.message).toContain('origin')
  expect(reported).toEqual([])
})
