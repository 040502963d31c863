import { setTimeout as pause } from 'node:timers/promises'
import {
  createStreams,
  eventually,
  expect,
  frame,
  openStream,
  RETRY,
  range,
  resetsOf,
  test,
} from './fixtures.ts'

const LIMIT = 50_000
const sized = (n: number, size: number) => {
  const head = `{"n":${n},"x":"`
  return `id: ${n}\nevent: tick\ndata: ${head}${'x'.repeat(size - head.length - 2)}"}\n\n`
}

for (const [cut, bytes] of [
  ['in one piece', Number.POSITIVE_INFINITY],
  ['in pieces of 16 KiB', 16 * 1024],
  ['in pieces of 997 bytes', 997],
] as const)
  test(`B1 an event beyond maxEventSize, ${cut}: the small ones arrive, a reset and one error tell of it, and the stream stays open`, async ({
    serve,
    visit,
  }) => {
    const streams = createStreams()
    const server = await serve({ '/stream': (_request, response) => streams.open(response) })
    const open = () => visit(server, { connect: { maxEventSize: LIMIT } })
    const tabs = [await open(), await open()]
    for (const tab of tabs) await tab.until('open')
    const text = frame(1) + sized(2, LIMIT) + sized(3, LIMIT + 1) + frame(4)
    for (let at = 0; at < text.length; at += bytes) {
      streams.write(text.slice(at, at + bytes))
      // A piece for itself, as far as that can be had.
      await pause(1)
    }
    for (const tab of tabs) {
      await tab.received(4)
      // One at the exact limit is none that is too large.
      expect(await tab.numbers()).toEqual([1, 2, 4])
      const { resets, resetsAt, errors } = await tab.record()
      expect([resets, resetsAt]).toEqual([[{ reason: 'too-large' }], [2]])
      expect(errors).toEqual([expect.objectContaining({ kind: 'too-large', retryable: true, state: 'open' })])
    }
    expect(server.requestsOf('/stream')).toHaveLength(1)
    // The position has moved on: what was too large is not asked for again.
    await tabs[0]!.committed()
    streams.end()
    await eventually(() => server.requestsOf('/stream').at(-1)?.lastEventId).toBe('4')
  })

test('B1 ten thousand small events after an id of a megabyte arrive, with the id before it, and nobody is outrun', async ({
  serve,
  visit,
}) => {
  const server = await serve({
    '/stream': (_request, response) => {
      openStream(response, `${RETRY}id: before\ndata: {"n":0}\n\nid: ${'a'.repeat(1_000_000)}\n\n`)
      for (const n of range(1, 10_000)) response.write(`data: {"n":${n}}\n\n`)
    },
  })
  const tab = await visit(server)
  await tab.received(10_000)
  expect(await tab.numbers()).toEqual(range(0, 10_000))
  expect(await resetsOf(tab)).toEqual([])
  const { lastEventId } = await tab.status()
  expect(lastEventId).toBe('before')
  const { log } = await tab.inspect()
  expect(log.lastEventId).toBe('before')
})
