import rateLimit, { type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problem } from './problem.ts'

export interface RateLimitsOptions {
  /** Exchanges a minute by one user. `Infinity`: any number. */
  exchangesPerUser: number
  /** Requests a minute for log-in, its renewal and tokens, from one address. `Infinity`: any number. */
  authPerAddress: number
  /** Where requests are counted. Default: in this process, the most recent 10,000 users and addresses. */
  store?: FastifyRateLimitStoreCtor | undefined
}

/** Counts a request. Beyond the limit it sends the 429, and says so. */
export type IsExceeded = (request: FastifyRequest, reply: FastifyReply) => Promise<boolean>

export interface RateLimits {
  /** Before anything is verified: what a stranger can make the server do is limited too. */
  exceededByAddress: IsExceeded
  /** Once it is known who asks. */
  exceededByUser: IsExceeded
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the request is authenticated. */
    user: string | null
  }
}

const timeWindow = 60_000

/** How often tokens may be asked for. An IPv6 address counts with its /64. */
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

  const limit = (
    groupId: string,
    max: number,
    keyGenerator?: (request: FastifyRequest) => string,
  ): IsExceeded => {
    const limited = { max, groupId, ...(keyGenerator ? { keyGenerator } : {}) }
    const count = max === Number.POSITIVE_INFINITY ? undefined : app.createRateLimit(limited)

    return async (request, reply) => {
      const verdict = await count?.(request)
      if (!verdict || verdict.isAllowed || !verdict.isExceeded) return false
      reply.header('Retry-After', Math.max(1, verdict.ttlInSeconds))
      problem(reply, 429, 'too_many_requests', 'Too many requests for tokens. Wait as Retry-After says.')
      return true
    }
  }

  return {
    exceededByAddress: limit('address', options.authPerAddress),
    exceededByUser: limit('user', options.exchangesPerUser, ({ user }) => user ?? ''),
  }
}
