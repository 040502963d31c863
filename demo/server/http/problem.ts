import type { FastifyInstance, FastifyReply } from 'fastify'

declare module 'fastify' {
  interface FastifyReply {
    /** The `error` of the body, for who looks at the answer later. */
    problem: string | null
  }
}

/** The one shape of every error body: `error` for programs, `message` says what to do. */
export const problem = (
  reply: FastifyReply,
  status: number,
  error: string,
  message: string,
): FastifyReply => {
  reply.problem = error
  return reply.code(status).send({ error, message })
}

export const notFound = (reply: FastifyReply): FastifyReply =>
  problem(reply, 404, 'not_found', 'There is nothing at this address.')

/** An error that is the answer of a request: thrown anywhere below a route, `useProblems` sends it. */
export const refusal = (status: number, code: string, message: string): Error =>
  Object.assign(new Error(message), { statusCode: status, code })

/** Gives Fastify's own errors (broken JSON, a body that is too large, a route that isn't there) that shape. */
export const useProblems = (app: FastifyInstance): void => {
  app.decorateReply('problem', null)
  app.setErrorHandler<Error & { statusCode?: number; code?: string }>((error, request, reply) => {
    const status = error.statusCode ?? 500
    if (status < 500)
      return problem(reply, status, (error.code ?? 'bad_request').toLowerCase(), error.message)
    if (status === 503) {
      reply.header('Retry-After', 1)
      return problem(reply, status, 'unavailable', 'What this server stands on does not answer. Try again.')
    }
    request.log.error(error)
    return problem(reply, status, 'internal', 'The server failed. Try again later.')
  })
  app.setNotFoundHandler((_, reply) => notFound(reply))
}

/** Reads an empty body as none: a client that always sends `Content-Type: application/json` isn't at fault. */
export const acceptEmptyJson = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parse(request, body as string, done)
  })
}
