import { readFile } from 'node:fs/promises'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

/** One origin: the test application's files, and at `/events` somebody else's stream, which can be cut off. */
export const startGate = async (staticDir: string, target: { port: number; path: string }) => {
  const streams = new Set<ServerResponse>()
  let isOpen = true

  const pass = (request: IncomingMessage, response: ServerResponse) => {
    if (!isOpen) return void response.destroy()
    const { host: _, ...headers } = request.headers
    const { port, path } = target
    const upstream = ask({ host: '127.0.0.1', port, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    upstream.on('error', () => response.destroy())
    upstream.end()
    streams.add(response)
    response.on('close', () => {
      streams.delete(response)
      upstream.destroy()
    })
  }
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/events') return pass(request, response)
    const file = join(staticDir, normalize(pathname === '/' ? '/index.html' : pathname))
    const body = await readFile(file).catch(() => null)
    const type = file.endsWith('.html') ? 'text/html' : 'text/javascript'
    if (body === null) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': type }).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    streams: () => streams.size,
    shut() {
      isOpen = false
      for (const stream of streams) stream.destroy()
    },
    open() {
      isOpen = true
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
