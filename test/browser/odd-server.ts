import { readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' }

/** Opens a stream that a test can go on writing to. */
export const openStream = (response: ServerResponse, head = '', headers: Record<string, string> = {}) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', ...headers })
  response.write(head || ': open\n\n')
}

export const frame = (n: number, type = 'tick') => `id: ${n}\nevent: ${type}\ndata: {"n":${n}}\n\n`

/** A request that an answer was asked for. */
export interface SeenRequest {
  path: string
  method: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  lastEventId: string | undefined
  /** When it came, in ms since 1970. */
  at: number
}

/**
 * What the reference server would never do: each path answers as its test says. It serves the test
 * application too, so that the odd answers are of the same origin, as behind a broken deployment.
 *
 * @param pageHeaders sent with each file of the application
 */
export const startOddServer = async (
  staticDir: string,
  answers: Record<string, Answer>,
  pageHeaders: Record<string, string> = {},
) => {
  const requests: SeenRequest[] = []

  const serveFile = async (path: string, response: ServerResponse) => {
    const file = join(staticDir, normalize(path === '/' ? '/index.html' : path))
    try {
      const body = await readFile(file)
      response.writeHead(200, {
        'content-type': types[extname(file)] ?? 'application/octet-stream',
        ...pageHeaders,
      })
      response.end(body)
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found')
    }
  }

  const server = createServer((request, response) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://localhost')
    const answer = answers[path]
    if (!answer) return void serveFile(path, response)
    const { method = 'GET', headers } = request
    const lastEventId = headers['last-event-id'] as string | undefined
    requests.push({ path, method, query, headers, lastEventId, at: Date.now() })
    answer(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    port: (server.address() as AddressInfo).port,
    requestsOf: (path: string) => requests.filter((request) => request.path === path),
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

export type OddServer = Awaited<ReturnType<typeof startOddServer>>
