import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http'
import type { AddressInfo } from 'node:net'

const STREAM = '/api/v1/events/stream'

/** Answers a request for a stream in the server's place. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * An HTTP hop before the reference server, as a load balancer is one. It passes everything on but the requests for
 * a stream that a test has an answer for: what goes wrong between a balancer and a server, the server can't say itself.
 */
export const startFront = async (target: number) => {
  const answers: Answer[] = []
  let rewrite: ((headers: IncomingHttpHeaders) => void) | null = null

  const pass = (request: IncomingMessage, response: ServerResponse) => {
    const { method, url, headers } = request
    const isStream = url?.startsWith(STREAM) === true
    if (isStream) rewrite?.(headers)
    const on = send({ host: '127.0.0.1', port: target, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.rawHeaders)
      // The base of the backoff (S4): a run of many faults in a row would otherwise be one of waiting.
      if (isStream && answer.statusCode === 200) response.write('retry: 100\n\n')
      answer.pipe(response)
      // An answer that broke off must look broken on this side too.
      answer.on('close', () => answer.complete || response.destroy())
    })
    on.on('error', () => response.destroy())
    response.on('close', () => on.destroy())
    request.pipe(on)
  }

  const server = createServer((request, response) => {
    const answer = request.url?.startsWith(STREAM) ? answers.shift() : undefined
    if (answer) answer(request, response)
    else pass(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))

  return {
    port: (server.address() as AddressInfo).port,
    /** The next requests for a stream get these, one each. */
    next: (...given: Answer[]) => void answers.push(...given),
    /** Resolves once they have all been given. */
    given: () => answers.length === 0,
    /** Changes the headers of the requests for a stream that are passed on. */
    rewrite(change: ((headers: IncomingHttpHeaders) => void) | null) {
      rewrite = change
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

export type Front = Awaited<ReturnType<typeof startFront>>
