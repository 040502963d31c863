import { startProxy } from '../proxy.ts'
import { createStreams, eventually, expect, frame, test } from './fixtures.ts'

test('S3 a server that gives a sign of life every 4 s: a line that goes dead is noticed after 2.5 times that, without an option', async ({
  serve,
  visit,
}) => {
  test.setTimeout(90_000)
  const streams = createStreams()
  const server = await serve({ '/stream': (_request, response) => streams.open(response) })
  const proxy = await startProxy({ target: server.port })
  const timer = setInterval(() => streams.write(':\n\n'), 4_000)
  try {
    const tab = await visit({ ...server, url: proxy.url })
    await tab.until('open')
    const signs = async () => (await tab.metrics()).bytesReceived
    const begun = await signs()
    await eventually(signs, { timeout: 30_000 }).toBeGreaterThan(begun + 3 * ':\n\n'.length)
    expect((await tab.status()).health).toBe('good')
    proxy.blackHole()
    // 10 s of silence; what is beyond is for a busy machine.
    await eventually(async () => (await tab.record()).errors.map(({ kind }) => kind), {
      timeout: 20_000,
    }).toContain('stale')
    proxy.cut()
    proxy.restore()
    await tab.until('open', 20_000)
    streams.write(frame(1))
    await tab.received(1)
  } finally {
    clearInterval(timer)
    await proxy.close()
  }
})
