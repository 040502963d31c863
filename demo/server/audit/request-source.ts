import type { FastifyRequest } from 'fastify'

const header = (request: FastifyRequest, name: string): string | null => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

/** Where a request came from, as its line tells. */
export interface RequestSource {
  address: string
  origin: string | null
  /** `Stream-Client`. */
  client: string | null
  /** `User-Agent`. */
  agent: string | null
}

/** From where, and as what: all of it is what the client says, but for the address. */
export const sourceOf = (request: FastifyRequest): RequestSource => ({
  address: request.ip,
  origin: header(request, 'origin'),
  client: header(request, 'stream-client'),
  agent: header(request, 'user-agent'),
})

export const lastEventIdOf = (request: FastifyRequest): string | null => header(request, 'last-event-id')
