import cookie from '@fastify/cookie'
import fastify, { type FastifyHttpOptions, type FastifyInstance, type RawServerDefault } from 'fastify'
import { answerClientError } from './client-errors.ts'
import { useProblems } from './problem.ts'

export interface CreateAppOptions {
  trustProxy: boolean | string
  /** Milliseconds that a request may take to arrive. */
  requestTimeout: number
  /** Of HTTP/2 over TLS; `undefined`: HTTP/1.1 in the clear. */
  certificate: { key: string; cert: string } | undefined
  /** Options of pino. */
  logger: object | false
}

/** Bytes of a body, where a route asks for no more: a log-in, and no stranger's megabyte. */
const bodyLimit = 16 * 1024

/** A Fastify instance with the bounds of this server, and with one shape of error. */
export const createApp = async (options: CreateAppOptions): Promise<FastifyInstance> => {
  const { trustProxy, requestTimeout, certificate, logger } = options
  const common = {
    forceCloseConnections: true,
    trustProxy,
    bodyLimit,
    requestTimeout,
    clientErrorHandler: answerClientError,
    logger,
  }
  const checks = {
    headersTimeout: requestTimeout,
    connectionsCheckingInterval: Math.min(5_000, requestTimeout / 2),
  }
  // Requests and answers of HTTP/2 have what those of HTTP/1.1 have, but other types.
  const http2 = {
    ...common,
    http2: true,
    https: { ...checks, ...certificate, allowHTTP1: true },
  } as unknown as FastifyHttpOptions<RawServerDefault>
  const app = fastify(certificate ? http2 : { ...common, http: checks })
  await app.register(cookie)
  useProblems(app)
  return app
}
