import type { FastifyInstance, FastifyRequest } from 'fastify'
import { notFound, problem } from './problem.ts'

export interface RequestBodiesOptions {
  /** Milliseconds that a body may take from its first byte to its last. */
  bodyTimeout: number
}

/** Bodies that are read at once: of all strangers together, of one user, and of all users together. */
const most = { strangers: 64, user: 8, users: 32 }
/** Bytes of a body that nobody reads which are swallowed, so that the connection can be used again. */
const swallowed = 64 * 1024

const hasBody = ({ headers, raw }: FastifyRequest): boolean => {
  if (headers['transfer-encoding'] !== undefined) return true
  if (headers['content-length'] !== undefined) return headers['content-length'] !== '0'
  // HTTP/2 needs neither (RFC 9113, 8.1).
  return (
    'stream' in raw && !(raw as unknown as { stream: { endAfterHeaders: boolean } }).stream.endAfterHeaders
  )
}

/**
 * What bodies may cost. A route that needs an access token asks for it in `onRequest` (auth/require-access.ts), which runs
 * before Fastify reads a byte; what is left for strangers is small (`bodyLimit`), limited in number, and cut in time.
 */
export const limitBodies = (app: FastifyInstance, { bodyTimeout }: RequestBodiesOptions): void => {
  const reading = new Map<string, number>()
  const change = (key: string, by: number) => {
    const count = (reading.get(key) ?? 0) + by
    if (count > 0) reading.set(key, count)
    else reading.delete(key)
  }

  app.addHook('onRequest', async (request, reply) => {
    // Fastify would read the body first, and then say that there is nothing.
    if (request.is404) return notFound(reply)
    return
  })

  app.addHook('preParsing', async (request, reply, payload) => {
    if (!hasBody(request)) return
    // The client may have gone while it was asked who it is. No event of its connection comes any more, to say that it is over.
    if (request.raw.destroyed) return
    const { user } = request
    const keys: [key: string, most: number][] =
      user === null
        ? [['strangers', most.strangers]]
        : [
            [`user:${user}`, most.user],
            ['users', most.users],
          ]
    if (keys.some(([key, limit]) => (reading.get(key) ?? 0) >= limit)) {
      reply.header('Retry-After', 1)
      return problem(reply, 503, 'too_many_bodies', 'Too many requests are being read. Try again.')
    }
    for (const [key] of keys) change(key, 1)
    const timer = setTimeout(() => {
      over()
      // The whole connection: nothing more can be read from it, nor told to it.
      request.raw.destroy()
    }, bodyTimeout).unref()
    let state: 'reading' | 'over' = 'reading'
    const over = () => {
      if (state === 'over') return
      state = 'over'
      clearTimeout(timer)
      for (const [key] of keys) change(key, -1)
    }
    for (const event of ['end', 'close', 'error'] as const) payload.once(event, over)
    reply.raw.once('close', over)
    return
  })

  app.addHook('onSend', async (request, reply) => {
    const isLong = !(Number(request.headers['content-length']) <= swallowed)
    // A body that nobody has read, or will: without this the rest of it is read after the answer, and thrown away.
    if (request.raw.httpVersionMajor === 1 && hasBody(request) && !request.raw.complete && isLong)
      reply.header('Connection', 'close')
  })
}
