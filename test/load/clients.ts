import { connect, type Socket } from 'node:net'
import { quantile } from '../statistics.ts'

/**
 * Holds the streams of a bench, in a process of its own, and measures what comes. Sockets, not a client of HTTP: what
 * it costs to read is then the same for every server, and little.
 */

interface Target {
  port: number
  path: string
  token?: string
  count: number
  /** Where they come from: one address has ports for less than 28,000. */
  from: string
}

const sockets: Socket[] = []
let latencies: number[] = []
/** From the first publication, not from the first arrival: a server that writes all in one go begins late. */
let firstSent = Number.POSITIVE_INFINITY
let lastAt = 0

const now = () => performance.timeOrigin + performance.now()
const event = /"sent":([\d.]+)/g

const open = ({ port, path, token, from }: Target) =>
  new Promise<void>((done, fail) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from })
    sockets.push(socket)
    socket.setEncoding('latin1')
    const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n${authorization}\r\n`,
    )
    socket.once('data', (text: string) =>
      text.startsWith('HTTP/1.1 200') ? done() : fail(new Error(text.slice(0, 200))),
    )
    // An event whose end comes in the next chunk is counted late, or, torn in its number, not at all: which is told.
    socket.on('data', (text: string) => {
      const at = now()
      for (const [, sent] of text.matchAll(event)) {
        latencies.push(at - Number(sent))
        firstSent = Math.min(firstSent, Number(sent))
      }
      lastAt = at
    })
    socket.on('error', fail)
  })

type Message = ({ kind: 'open' } & Target) | { kind: 'reset' } | { kind: 'read'; expected: number }

process.on('message', async (message: Message) => {
  if (message.kind === 'open') {
    let left = message.count
    // As many at once as a server's queue of connections takes.
    const worker = async () => {
      while (left-- > 0) await open(message)
    }
    await Promise.all(Array.from({ length: 100 }, worker))
    process.send!({ open: sockets.length })
  }
  if (message.kind === 'reset') {
    latencies = []
    firstSent = Number.POSITIVE_INFINITY
    process.send!({ reset: true })
  }
  if (message.kind === 'read') {
    const started = now()
    while (latencies.length < message.expected && now() - started < 60_000)
      await new Promise((done) => setTimeout(done, 20))
    process.send!({
      deliveries: latencies.length,
      seconds: (lastAt - firstSent) / 1_000,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
    })
  }
})
process.on('disconnect', () => process.exit(0))
