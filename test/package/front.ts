import { readFile } from 'node:fs/promises'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
}

export interface FrontOptions {
  /** Folders with the files, the first that has one wins; or the port of a server that has them. */
  behind: string[] | number
  /** On every answer. */
  headers?: Record<string, string>
  /** Files that are no files: their text by path. */
  extra?: Record<string, string>
}

/** The one origin of a fixture: its files, and at `/events` a stream whose connections are counted. */
export const startFront = async ({ behind, headers = {}, extra = {} }: FrontOptions) => {
  const streams = new Set<ServerResponse>()
  let opened = 0
  const requests = new Map<string, number>()

  const proxy = (port: number, request: IncomingMessage, response: ServerResponse) => {
    const { method, url, headers: given } = request
    const passed = ask({ host: '127.0.0.1', port, method, path: url, headers: given }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...headers })
      answer.pipe(response)
    })
    passed.on('error', () => response.writeHead(502).end())
    request.pipe(passed)
  }
  const serveFile = async (folders: string[], path: string, response: ServerResponse) => {
    const name = path === '/' ? '/index.html' : normalize(path)
    const type = { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }
    if (extra[path] !== undefined)
      return void response.writeHead(200, { ...type, ...headers }).end(extra[path])
    for (const folder of folders) {
      const body = await readFile(join(folder, name)).catch(() => null)
      if (body !== null) return void response.writeHead(200, { ...type, ...headers }).end(body)
    }
    response.writeHead(404, headers).end()
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    requests.set(pathname, (requests.get(pathname) ?? 0) + 1)
    if (pathname === '/events') {
      opened++
      streams.add(response)
      response.on('close', () => streams.delete(response))
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        ...headers,
      })
      response.write(': open\n\n')
    } else if (typeof behind === 'number') proxy(behind, request, response)
    else void serveFile(behind, pathname, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    publish(n: number) {
      for (const stream of streams) stream.write(`id: ${n}\nevent: tick\ndata: {"n":${n}}\n\n`)
    },
    /** How often a path was asked for. */
    requests: (path: string) => requests.get(path) ?? 0,
    /** Streams that stand, and that were ever opened. */
    counts: () => ({ now: streams.size, opened }),
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
