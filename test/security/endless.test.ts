import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createParser } from '../../worker/stream/parser.ts'
import { requestStream } from '../../worker/stream/transport.ts'

const MIB = 1024 * 1024
const LIMIT = MIB

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void
const used = () => {
  gc()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MIB
}

/** What is said first, and then over and over. What means nothing is read and forgotten, and is a sign of life. */
const KINDS: [string, string, string, boolean?][] = [
  ['a line of data', 'id: 7\ndata: ', 'x'],
  ['a line of a comment', ': ', 'x', false],
  ['an id', 'id: ', 'x', false],
  ['a type', 'event: ', 'x'],
  ['a field that nobody knows', 'x', 'x', false],
  ['a retry', 'retry: ', '1', false],
  ['a topic', ': topic ', 'y', false],
  ['lines of data without an end', 'id: 7\n', `data: ${'x'.repeat(90)}\n`],
  ['empty lines of data', 'id: 7\n', 'data\n'],
]

/** ms: a GiB takes seconds, and on a machine that is busy with something else many times as long. */
const PATIENCE = 180_000

describe('B1 an event without an end', () => {
  it.each(KINDS)(
    '%s of 1 GiB: the heap grows by less than 20 MiB, one of an event is told of once, and nothing is adopted',
    (_, head, text, told = true) => {
      const parser = createParser('', LIMIT, true)
      const chunk = new TextEncoder().encode(text.repeat(Math.ceil((64 * 1024) / text.length)))
      const before = used()
      let tooLarge = parser.push(new TextEncoder().encode(head)).tooLarge
      let blocks = 0
      for (let pushed = 0; pushed < 1024 * MIB; pushed += chunk.byteLength) {
        const parsed = parser.push(chunk)
        tooLarge += parsed.tooLarge
        blocks += parsed.blocks.length
        // As soon as it is known: who waits for its end may wait for ever.
        if (pushed === 20 * MIB) expect(tooLarge).toBe(told ? 1 : 0)
      }
      expect([tooLarge, blocks]).toEqual([told ? 1 : 0, 0])
      expect(used() - before).toBeLessThan(20)
    },
    PATIENCE,
  )

  it(
    'from a server that writes as fast as it is read: the position stays before it',
    async () => {
      const server = fork(new URL('./endless-server.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
      onTestFinished(() => void server.kill())
      const [{ port }] = (await once(server, 'message')) as [{ port: number }]
      const before = used()
      const positions: (string | null)[] = []
      let bytes = 0
      let peak = 0
      let tooLarge = 0
      const outcome = await requestStream({
        url: `http://127.0.0.1:${port}/`,
        headers: {},
        credentials: 'same-origin',
        refuseRedirects: true,
        user: null,
        sameOrigin: false,
        lastEventId: '',
        lastEventIdQuery: null,
        maxEventSize: LIMIT,
        hasTopics: true,
        signal: new AbortController().signal,
        fetch,
        onOpen: () => {},
        onBytes(count) {
          // Collecting takes longer than all the rest.
          if (Math.floor((bytes + count) / MIB) > Math.floor(bytes / MIB))
            peak = Math.max(peak, used() - before)
          bytes += count
        },
        onParsed(parsed) {
          tooLarge += parsed.tooLarge
          positions.push(...parsed.blocks.map(({ givenId }) => givenId))
        },
      })
      expect(outcome).toEqual({ type: 'ended', cause: null })
      expect(tooLarge).toBe(1)
      // The event before it came; the id that the endless one began with was not adopted.
      expect(positions).toEqual(['6'])
      expect(peak).toBeLessThan(20)
      expect(bytes).toBeGreaterThan(128 * MIB)
    },
    PATIENCE,
  )
})

describe('B1 ids that no header can carry as they are', () => {
  it.each([
    ['with NUL are ignored, as the standard says', 'a\0b', ''],
    ['beyond ASCII are kept', 'Grüße 🎈', 'Grüße 🎈'],
  ])('%s', (_, id, adopted) => {
    const { blocks } = createParser('', LIMIT, true).push(new TextEncoder().encode(`id: ${id}\ndata: x\n\n`))
    expect(blocks.map((block) => block.id)).toEqual([adopted])
  })

  it('beyond ASCII reach the server as UTF-8 bytes', async () => {
    const { createServer } = await import('node:http')
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(Buffer.from(String(request.headers['last-event-id']), 'latin1').toString('utf8'))
      response.writeHead(204).end()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await requestStream({
      url: `http://127.0.0.1:${port}/`,
      headers: {},
      credentials: 'same-origin',
      refuseRedirects: true,
      user: null,
      sameOrigin: false,
      lastEventId: 'Grüße 🎈',
      lastEventIdQuery: null,
      maxEventSize: LIMIT,
      hasTopics: false,
      signal: new AbortController().signal,
      fetch,
      onOpen: () => {},
      onBytes: () => {},
      onParsed: () => {},
    })
    expect(asked).toEqual(['Grüße 🎈'])
  })
})
