import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { hostOf, isLoopbackName } from './origins.ts'
import { problem } from './problem.ts'

/** What tells of everybody, or is done to everybody: nobody's page may read it. */
const operations = /^\/(metrics|healthz|readyz|debug)(\/|$)/

export interface KnownHostsOptions {
  /** Names by which operators reach the server, beside addresses and names of the loopback interface. */
  names: readonly string[]
}

const nameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()

/**
 * Against DNS rebinding: a page of evil.example points its own name at this server's address, and is then of the same
 * origin as /metrics, which it asks for by that name. An address can't be pointed anywhere, so it is believed; a name is
 * believed where it is known. No `Host`, as a load balancer's probe by HTTP/1.0 has none, is no browser's request.
 */
export const guardOperations = (app: FastifyInstance, { names }: KnownHostsOptions): void => {
  const known = new Set(names.map((name) => name.toLowerCase()))

  const isKnown = (request: FastifyRequest): boolean => {
    const name = nameOf(hostOf(request))
    return name === '' || isIP(name) !== 0 || isLoopbackName(name) || known.has(name)
  }

  const isOfAnotherPage = ({ headers }: FastifyRequest): boolean => {
    const site = headers['sec-fetch-site']
    return site === 'cross-site' || site === 'same-site'
  }

  app.addHook('onRequest', async (request, reply) => {
    // By the route: an address has many percent-encoded spellings.
    if (!operations.test(request.routeOptions.url ?? '')) return
    if (isKnown(request) && !isOfAnotherPage(request)) return
    return problem(reply, 403, 'host_unknown', 'Ask by an address, or by a name that --ops-name names.')
  })
}
