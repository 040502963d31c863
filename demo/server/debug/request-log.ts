import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { withoutQueryValues } from '../http/credential-in-url.ts'

export interface RequestLine {
  at: string
  method: string
  /** With the values of the query left out: whoever puts a token there shall not find it here again. */
  url: string
  /** Where the request carries a credential. */
  credential: 'header' | 'cookie' | 'none'
  lastEventId: string | null
  client: string | null
  origin: string | null
  /** Null until the head of the answer is sent. */
  status: number | null
}

export interface RequestLog {
  /** The last 1,000 requests for streams and tokens, oldest first. */
  read(): RequestLine[]
  reset(): void
}

type Answer = Pick<FastifyReply['raw'], 'headersSent' | 'statusCode'>

const watched = /^\/api\/v1\/(events\/stream|auth\/)/
const capacity = 1000

const header = (request: FastifyRequest, name: string) => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

const credentialOf = ({ headers, cookies }: FastifyRequest): RequestLine['credential'] => {
  if (headers.authorization !== undefined) return 'header'
  return Object.keys(cookies).length > 0 ? 'cookie' : 'none'
}

/**
 * The last 1000 requests for streams and tokens, for tests to count. Only installed with `debug`, and after the
 * cookie plugin, whose hook has to run first.
 */
export const createRequestLog = (app: FastifyInstance, now: () => number): RequestLog => {
  const lines: { line: Omit<RequestLine, 'status'>; answer: Answer }[] = []

  app.addHook('onRequest', async (request, reply) => {
    if (!watched.test(request.url)) return
    if (lines.length === capacity) lines.shift()
    const kept: (typeof lines)[number] = {
      line: {
        at: new Date(now()).toISOString(),
        method: request.method,
        url: withoutQueryValues(request.url),
        credential: credentialOf(request),
        lastEventId: header(request, 'last-event-id'),
        client: header(request, 'stream-client'),
        origin: header(request, 'origin'),
      },
      // Asked when somebody reads: for a stream, no hook of Fastify runs between its head and its end.
      answer: reply.raw,
    }
    lines.push(kept)
    // An answer that is over would keep its request and its socket's buffers: 26 kB a line.
    reply.raw.once('close', () => {
      const { headersSent, statusCode } = reply.raw
      kept.answer = { headersSent, statusCode }
    })
  })

  return {
    read: () =>
      lines.map(({ line, answer }) => ({ ...line, status: answer.headersSent ? answer.statusCode : null })),
    reset: () => {
      lines.length = 0
    },
  }
}
