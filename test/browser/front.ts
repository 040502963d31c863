import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

const STREAM = '/api/v1/events/stream'
const EXCHANGE = '/api/v1/auth/sse-token'

/** Answers a request for a stream in the server's place. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** What goes wrong on the way, for as long as it does. */
export interface Interference {
  /** Answers a request of any kind in the server's place, where it has an answer. */
  answer?(request: IncomingMessage): Answer | undefined
  /** ms after which each stream ends cleanly. */
  endAfter?: number
  /** ms by which the server's clock, as its `Date` tells, is ahead. */
  clock?: number
  /** What each stream begins with. */
  head?: string
  /** Changes what the token endpoint says. */
  token?(answer: Record<string, unknown>): Record<string, unknown>
}

const shiftDate = (headers: string[], by: number): string[] =>
  headers.map((value, at) =>
    headers[at - 1]?.toLowerCase() === 'date' && at % 2 === 1
      ? new Date(Date.parse(value) + by).toUTCString()
      : value,
  )

/**
 * An HTTP hop before the reference server, as a load balancer is one. It passes everything on but the requests for
 * a stream that a test has an answer for: what goes wrong between a balancer and a server, the server can't say itself.
 */
export const startFront = async (target: number) => {
  const answers: Answer[] = []
  let rewrite: ((headers: IncomingHttpHeaders) => void) | null = null
  let interference: Interference = {}

  const pass = (request: IncomingMessage, response: ServerResponse) => {
    const { method, url, headers } = request
    const isStream = url?.startsWith(STREAM) === true
    if (isStream) rewrite?.(headers)
    const on = send({ host: '127.0.0.1', port: target, method, path: url, headers }, (answer) => {
      const { clock = 0, head = '', endAfter, token } = interference
      const given = shiftDate(answer.rawHeaders, clock)
      if (token !== undefined && url?.startsWith(EXCHANGE) && answer.statusCode === 200) {
        void json(answer).then((said) => {
          const body = JSON.stringify(token(said as Record<string, unknown>))
          const isLength = (at: number) => given[at - (at % 2)]?.toLowerCase() === 'content-length'
          response
            .writeHead(
              200,
              given.filter((_, at) => !isLength(at)),
            )
            .end(body)
        })
        return
      }
      response.writeHead(answer.statusCode!, given)
      // The base of the backoff (S4): a run of many faults in a row would otherwise be one of waiting.
      if (isStream && answer.statusCode === 200) response.write(`retry: 100\n\n${head}`)
      answer.pipe(response)
      if (isStream && endAfter !== undefined)
        setTimeout(() => {
          answer.unpipe(response)
          response.end()
          on.destroy()
        }, endAfter)
      // An answer that broke off must look broken on this side too.
      answer.on('close', () => answer.complete || response.destroy())
    })
    on.on('error', () => response.destroy())
    response.on('close', () => on.destroy())
    request.pipe(on)
  }

  const server = createServer((request, response) => {
    const isStream = request.url?.startsWith(STREAM) === true
    const answer = interference.answer?.(request) ?? (isStream ? answers.shift() : undefined)
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
    /** From now on, until the next call; `{}`: nothing goes wrong any more. */
    interfere(what: Interference) {
      interference = what
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

export type Front = Awaited<ReturnType<typeof startFront>>
