import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { createClock } from './app/clock.ts'

/**
 * The server of the bench, a process of its own: pages and events, over HTTP/1.1 and over HTTP/2, and no more than
 * that, lest what is measured be the server. Driven by messages (`Request`), each of which is answered.
 */

export interface Send {
  run: string
  /** The number of the first event, from 1. */
  from: number
  count: number
  /** Bytes of data, about. */
  size: number
  /** Events a second; `null`: as fast as they are taken. */
  rate: number | null
  /** How many types they are of, in turn. Default 1, the unnamed one. */
  types?: number
}

/** What the bench asks of it. */
export type Question =
  | { what: 'streams'; run: string }
  /** When the newest request for a stream of the run has come, in ms since 1970. */
  | { what: 'asked'; run: string }
  /** Answered once all is written. */
  | ({ what: 'send' } & Send)
  | { what: 'usage' }
  /** Ends the streams of one run. */
  | { what: 'end'; run: string }

export interface Usage {
  /** Sent over all sockets, in bytes. */
  bytes: number
  /** ms of CPU. */
  cpu: number
}

type Response = ServerResponse | Http2ServerResponse

const clock = createClock()
const CHUNK = 64 * 1024
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' }
const root = fileURLToPath(new URL('./app/dist/', import.meta.url))

const streams = new Map<string, Set<Response>>()
const askedAt = new Map<string, number>()
const sockets = new Set<Socket>()
let bytesOfTheGone = 0

const count = (socket: Socket) => {
  sockets.add(socket)
  socket.on('close', () => {
    sockets.delete(socket)
    bytesOfTheGone += socket.bytesWritten
  })
}

const answer = (request: { url?: string | undefined }, response: Response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
  if (pathname !== '/stream') {
    const file = join(root, normalize(pathname === '/' ? '/index.html' : pathname))
    try {
      const type = TYPES[extname(file)] ?? 'application/octet-stream'
      response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=3600' })
      ;(response as ServerResponse).end(readFileSync(file))
    } catch {
      response.statusCode = 404
      response.end()
    }
    return
  }
  const run = searchParams.get('run')!
  askedAt.set(run, clock())
  const open = streams.get(run) ?? new Set()
  streams.set(run, open.add(response))
  response.on('close', () => open.delete(response))
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const greeting = searchParams.has('greet') ? `id: ${Math.random()}\ndata: {}\n\n` : ': hello\n\n'
  ;(response as ServerResponse).write(greeting)
}

const certificate = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-bench-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const pair = { key: readFileSync(key), cert: readFileSync(cert) }
  rmSync(folder, { recursive: true })
  return pair
}

const format = (n: number, t: number, { size, types = 1 }: Send): string => {
  const data = JSON.stringify({ n, t, pad: '' })
  const padded = `${data.slice(0, -2)}${'x'.repeat(Math.max(0, size - data.length))}"}`
  const type = types === 1 ? '' : `event: type-${n % types}\n`
  return `id: ${n}\n${type}data: ${padded}\n\n`
}

const write = (response: Response, chunk: string) =>
  new Promise<void>((written) => {
    if ((response as ServerResponse).write(chunk)) return written()
    response.once('drain', written)
  })

const flood = async (open: Response[], send: Send) => {
  const { from, count } = send
  const chunks: string[] = []
  let chunk = ''
  for (let n = from; n < from + count; n++) {
    chunk += format(n, 0, send)
    if (chunk.length >= CHUNK || n === from + count - 1) {
      chunks.push(chunk)
      chunk = ''
    }
  }
  const sent = clock()
  const drain = async (response: Response) => {
    for (const each of chunks) await write(response, each)
  }
  await Promise.all(open.map(drain))
  return sent
}

const steady = async (open: Response[], send: Send) => {
  const { from, count, rate } = send
  const start = performance.now()
  const startedAt = clock()
  for (let n = from; n < from + count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - start) * rate!) / 1_000)) - (n - from)
    if (due > 0) {
      const t = clock()
      let chunk = ''
      for (const end = n + due; n < end; n++) chunk += format(n, t, send)
      await Promise.all(open.map((response) => write(response, chunk)))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return startedAt
}

const handle = async (question: Question): Promise<unknown> => {
  switch (question.what) {
    case 'streams':
      return streams.get(question.run)?.size ?? 0
    case 'asked':
      return askedAt.get(question.run)
    case 'usage': {
      let bytes = bytesOfTheGone
      for (const socket of sockets) bytes += socket.bytesWritten
      const { user, system } = process.cpuUsage()
      return { bytes, cpu: (user + system) / 1_000 } satisfies Usage
    }
    case 'end':
      for (const response of streams.get(question.run) ?? []) response.end()
      return streams.delete(question.run)
    case 'send': {
      const open = [...(streams.get(question.run) ?? [])]
      return question.rate === null ? flood(open, question) : steady(open, question)
    }
  }
}

process.on('message', ({ id, ...question }: Question & { id: number }) => {
  void handle(question).then((result) => process.send!({ id, result }))
})
process.on('disconnect', () => process.exit())

const plain = createServer(answer).on('connection', count)
const secure = createSecureServer(certificate(), answer)
// Under TLS, since `bytesWritten` of the one above counts nothing for HTTP/2.
secure.on('connection', count)
const listen = (server: typeof plain | typeof secure) =>
  new Promise<number>((listening) =>
    server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port)),
  )
const [http, https] = await Promise.all([listen(plain), listen(secure)])
process.send!({ http: `http://127.0.0.1:${http}`, https: `https://127.0.0.1:${https}` })
