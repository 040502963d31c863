import rateLimit, { type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problem } from './problem.ts'

/** Each in requests a minute. `Infinity`: any number. */
export interface Limits {
  /** Requests for log-in, its renewal and tokens, from one address. */
  authPerAddress: number
  /** Exchanges for an SSE token, by one user. */
  exchangesPerUser: number
  /** Requests that publish, by one user. */
  publishesPerUser: number
  /** Streams that one user opens, or tries to. */
  opensPerUser: number
  /** Reads of the state, by one user. */
  statesPerUser: number
}

export interface RateLimitsOptions {
  limits: Limits
  /** Where requests are counted. Default: in this process, the most recent 10,000 users and addresses. */
  store?: FastifyRateLimitStoreCtor | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the request is authenticated. */
    user: string | null
  }
}

/** Counts a request. Beyond the limit it sends the 429, and says so. */
export type IsExceeded = (request: FastifyRequest, reply: FastifyReply) => Promise<boolean>

/** `authPerAddress` before anything is verified, the others once it is known who asks. */
export type RateLimits = Record<keyof Limits, IsExceeded>

const timeWindow = 60_000

const what: Record<keyof Limits, string> = {
  authPerAddress: 'requests for tokens from this address',
  exchangesPerUser: 'requests for tokens',
  publishesPerUser: 'requests to publish: send several events with one',
  opensPerUser: 'streams opened: a client should back off between two tries',
  statesPerUser: 'requests for the state',
}

/** An IPv6 address counts with its /64. */
export const createRateLimits = async (
  app: FastifyInstance,
  options: RateLimitsOptions,
): Promise<RateLimits> => {
  app.decorateRequest('user', null)
  await app.register(rateLimit, {
    global: false,
    timeWindow,
    cache: 10_000,
    ...(options.store ? { store: options.store } : {}),
  })

  const limit = (groupId: keyof Limits): IsExceeded => {
    const max = options.limits[groupId]
    const keyGenerator = ({ user }: FastifyRequest) => user ?? ''
    const limited = { max, groupId, ...(groupId === 'authPerAddress' ? {} : { keyGenerator }) }
    const count = max === Number.POSITIVE_INFINITY ? undefined : app.createRateLimit(limited)

    return async (request, reply) => {
      const verdict = await count?.(request)
      if (!verdict || verdict.isAllowed || !verdict.isExceeded) return false
      reply.header('Retry-After', Math.max(1, verdict.ttlInSeconds))
      problem(reply, 429, 'too_many_requests', `Too many ${what[groupId]}. Wait as Retry-After says.`)
      return true
    }
  }

  return {
    authPerAddress: limit('authPerAddress'),
    exchangesPerUser: limit('exchangesPerUser'),
    publishesPerUser: limit('publishesPerUser'),
    opensPerUser: limit('opensPerUser'),
    statesPerUser: limit('statesPerUser'),
  }
}
