import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { RunningServer } from '../../demo/server/app.ts'
import { startProxy } from '../cluster/proxies.ts'
import { post, start } from '../server/start.ts'

/** What is the operators' alone. */

/** The first line of an answer to a path as it is written, with headers that `fetch` would not send. */
const ask = (port: number, path: string, headers: Record<string, string> = {}): Promise<string> =>
  new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1')
    const lines = Object.entries({ Host: '127.0.0.1', Connection: 'close', ...headers })
    let answer = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part
    })
    socket.on('error', failed).on('close', () => done(answer))
    socket.write(
      `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
  })

const private_ = ['/metrics', '/healthz', '/readyz', '/debug/connections']

const portOf = (url: string) => Number(new URL(url).port)

test('N12 with a port of their own, operations are at that one and not at the other', async () => {
  const server = await start({ opsPort: 0 })
  expect(server.opsUrl).not.toBe(server.url)
  for (const path of private_) {
    expect((await fetch(server.opsUrl + path)).status).toBe(200)
    expect((await fetch(server.url + path)).status).toBe(404)
  }
  expect((await fetch(`${server.opsUrl}/api/v1/novel`)).status).toBe(404)
  expect((await post({ ...server, url: server.opsUrl }, '/debug/reset-counters')).status).toBe(200)
})

/** Names that somebody else can point at this machine. */
test.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example'])(
  'N12 DNS rebinding: %s is told no operation, whichever port they are at, and whatever the origin is',
  async (host) => {
    const servers: [RunningServer, number][] = []
    for (const options of [{}, { opsPort: 0 }, { publicOrigin: 'https://app.example' }]) {
      const server = await start(options)
      servers.push([server, portOf(server.opsUrl)])
    }
    for (const [, port] of servers)
      for (const path of [...private_, '/%6detrics', '/%64ebug/connections']) {
        const answer = await ask(port, path, { Host: host })
        expect(answer).toMatch(/^HTTP\/1.1 403 /)
        expect(answer).not.toContain('tabstream_')
      }
  },
)

test('N12 operators ask by an address, a name of this machine, a name that was named, or none', async () => {
  const server = await start({ publicOrigin: 'https://app.example', opsNames: ['node-1.internal'] })
  for (const host of ['10.1.2.3', '[2001:db8::1]:9787', 'localhost', 'app.example', 'NODE-1.internal:9787'])
    expect(await ask(server.port, '/metrics', { Host: host })).toMatch(/^HTTP\/1.1 200 /)
})

/** Spellings of one path, each of which some server or other takes for it. */
const spellings = (path: string) => {
  const [first, ...rest] = path.slice(1)
  const percent = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`
  return [
    path,
    `/${percent(first!)}${rest.join('')}`,
    `/${[...path.slice(1)].map((letter) => (letter === '/' ? letter : percent(letter))).join('')}`,
    path.toUpperCase(),
    `/${path}`,
    `/.${path}`,
    `/x/..${path}`,
    `/x/%2e%2e${path}`,
    `${path}?x=1`,
    `${path}/`,
    `${path};x`,
    `/%25${percent(first!).slice(1)}${rest.join('')}`,
    `/%2f${path.slice(1)}`,
  ]
}

test.each(['nginx', 'caddy', 'haproxy'] as const)(
  'N12 %s lets nobody through to operations, however their address is written',
  async (name) => {
    // Without a port of their own: the proxy alone stands in front of them.
    const server = await start()
    const ports = Array(3).fill(server.port) as number[]
    const proxy = await startProxy(name, { nodes: ports, ops: ports })
    onTestFinished(() => proxy.close())
    for (let tries = 0; (await fetch(`${proxy.url}/.well-known/jwks.json`)).status !== 200; tries++) {
      if (tries > 200) throw new Error('The proxy reaches no node')
      await new Promise((done) => setTimeout(done, 50))
    }
    for (const path of private_)
      for (const spelling of spellings(path)) {
        const answer = await ask(portOf(proxy.url), spelling)
        expect([spelling, answer.split(' ')[1]]).not.toEqual([spelling, '200'])
        expect(answer).not.toMatch(/tabstream_|"total"|"status":/)
      }
  },
)
