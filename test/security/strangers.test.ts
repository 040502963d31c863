import { fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { ServerOptions } from '../../demo/server/app.ts'
import { start, temporaryDirectory, tokenFor } from '../server/start.ts'
import { openStream, range, until } from '../server/stream.ts'
import { leastOf } from './least-of.ts'

/** What somebody without a token, and with any bytes, may take of a server. */

/** A connection that says what it is told to, and what came back. */
const talk = async (port: number, text: string) => {
  const socket: Socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => {
    answer += part
  })
  const state = { isOver: false }
  socket
    .on('error', () => {})
    .on('close', () => {
      state.isOver = true
    })
  await once(socket, 'connect')
  socket.write(text)
  return { socket, answer: () => answer, isOver: () => state.isOver }
}

const head = (path: string, ...headers: string[]) =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${headers
    .map((line) => `${line}\r\n`)
    .join('')}\r\n`

test.each([
  ['/api/v1/events', 401],
  ['/api/v1/pipeline', 401],
  ['/api/v1/nowhere', 404],
  ['/nowhere', 404],
])('N11 a stranger is answered before a byte of a body is read: %s', async (path, status) => {
  const server = await start({ debug: false })
  // No byte of the body ever comes.
  const { answer } = await talk(server.port, head(path, 'Content-Length: 4000000'))
  await until(() => answer().includes('"error"'))
  expect(answer()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
})

test('N11 a body that nobody will read ends its connection, and is not read to its end', async () => {
  const server = await start()
  const { socket, answer, isOver } = await talk(
    server.port,
    head('/api/v1/events', 'Transfer-Encoding: chunked'),
  )
  await until(() => answer().includes('"error"'))
  expect(answer()).toMatch(/connection: close/i)
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
  const timer = setInterval(() => socket.write(chunk), 1)
  onTestFinished(() => clearInterval(timer))
  await until(isOver)
})

test('N11 a body that trickles is cut, and headers that do', async () => {
  const server = await start({ requestTimeout: 600 })
  const { socket, isOver } = await talk(server.port, head('/api/v1/auth/login', 'Content-Length: 1000'))
  const slow = await talk(server.port, 'POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\n')
  const timer = setInterval(() => {
    socket.write(' ')
    slow.socket.write('X-Any: 1\r\n')
  }, 50)
  onTestFinished(() => clearInterval(timer))
  await until(() => isOver() && slow.isOver())
})

test('N11 a stream is no request that takes too long', async () => {
  const server = await start({ requestTimeout: 300, pingInterval: 50 })
  const stream = await openStream(server)
  await until(() => stream.text().split(': ping').length > 20)
  expect(server.connections().total).toBe(1)
})

test('N11 strangers have so many bodies under way at a time; who is told so is told to come again', async () => {
  const server = await start()
  const token = await tokenFor(server, 'alice', 'access')
  const held = await Promise.all(
    range(1, 64).map(() => talk(server.port, head('/api/v1/auth/login', 'Content-Length: 1000'))),
  )
  await until(async () => {
    const { answer, socket } = await talk(
      server.port,
      `${head('/api/v1/auth/login', 'Content-Length: 2', 'Connection: close')}{}`,
    )
    await once(socket, 'close')
    return /^HTTP\/1.1 503 [\s\S]*retry-after: 1\r/i.test(answer())
  })
  // A user's are counted apart.
  const body = JSON.stringify({ type: 'novel.updated', data: 1 })
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
  const published = await fetch(`${server.url}/api/v1/events`, { method: 'POST', headers, body })
  expect(published.status).toBe(201)
  for (const { socket } of held) socket.destroy()
  await until(async () => {
    const { answer, socket } = await talk(
      server.port,
      `${head('/api/v1/auth/login', 'Content-Length: 2', 'Connection: close')}{}`,
    )
    await once(socket, 'close')
    return answer().startsWith('HTTP/1.1 400 ')
  })
})

test('N11 a log-in takes a small body, and no large one', async () => {
  const server = await start()
  const response = await fetch(`${server.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: 'alice', password: 'x'.repeat(100_000) }),
  })
  expect(response.status).toBe(413)
})

test('N11 a crowd of cookies is 431, and the answer says what to do', async () => {
  const server = await start()
  const cookies = range(1, 400).map((n) => `cookie-${n}=${'x'.repeat(50)}`)
  const { answer } = await talk(
    server.port,
    `GET /api/v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookies.join('; ')}\r\n\r\n`,
  )
  await until(() => answer().includes('}'))
  expect(answer()).toMatch(/^HTTP\/1.1 431 /)
  expect(JSON.parse(answer().split('\r\n\r\n')[1]!)).toEqual({
    error: 'headers_too_large',
    message: expect.stringContaining('Delete the cookies of this site'),
  })
})

/** A server in a process of its own: what this process does is no matter to it. */
const startApart = async (options: Partial<ServerOptions>) => {
  const program = fileURLToPath(new URL('../browser/server-process.ts', import.meta.url))
  const settings = { dataDir: temporaryDirectory(), debug: true, ...options }
  const child = fork(program, [JSON.stringify(settings)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { url: String(line).trim() }
}

/** Milliseconds within which nine of ten probes were answered, of one every 10 ms whatever the one before does. */
const probeWhile = async (url: string, work: () => Promise<unknown>): Promise<number> => {
  const times: number[] = []
  let waiting = 0
  const timer = setInterval(() => {
    const started = performance.now()
    waiting += 1
    request(`${url}/healthz`, { agent: false }, (response) => {
      response.resume().on('end', () => {
        waiting -= 1
        times.push(performance.now() - started)
      })
    }).end()
  }, 10)
  await work().finally(() => clearInterval(timer))
  await until(() => waiting === 0)
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.9)]!
}

/** One buffer for all: what it costs to send it is no matter to the probes, which this process makes too. */
const send = (url: string, token: string, body: Buffer): Promise<number> =>
  new Promise((done, failed) => {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
    request(`${url}/api/v1/events`, { method: 'POST', agent: false, headers }, (response) => {
      response.resume().on('end', () => done(response.statusCode!))
    })
      .on('error', failed)
      .end(body)
  })

/** Of 4 MiB those that cost most to parse: many small values, and few large ones. */
test.each([
  ['few large values', JSON.stringify('x'.repeat(65_000))],
  ['many small values', `[${'[1,{"a":2}],'.repeat(5_400)}1]`],
])(
  'N11 20 bodies of 4 MiB of %s cost /healthz less than 50 ms',
  async (_, data) => {
    const server = await startApart({})
    const body = Buffer.from(`[${Array(62).fill(`{"type":"novel.updated","data":${data}}`).join(',')}]`)
    expect(body.length).toBeGreaterThan(3.8 * 1024 * 1024)
    const tokenOf = async (user: string) => {
      const response = await fetch(`${server.url}/debug/token`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ user, kind: 'access' }),
      })
      return ((await response.json()) as { token: string }).token
    }
    const tokens = await Promise.all(range(1, 20).map((n) => tokenOf(`user-${n}`)))
    /** What the bodies cost a probe, beside what the machine, which does other things too, costs the probe anyway. */
    const costOfBodies = async () => {
      const before = await probeWhile(server.url, () => new Promise((done) => setTimeout(done, 300)))
      const meanwhile = await probeWhile(server.url, async () => {
        const statuses = await Promise.all(tokens.map((token) => send(server.url, token, body)))
        expect(statuses).toEqual(Array(20).fill(201))
      })
      return meanwhile - before
    }
    // The least of some rounds: a busy machine adds to each round, and takes nothing away from any.
    expect(await leastOf(6, costOfBodies, 50)).toBeLessThan(50)
  },
  180_000,
)
