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
  /** Requests a second for other topics of one stream. */
  topicChanges: number
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
export type RateLimits = Record<keyof Limits | 'topicChanges', IsExceeded>

const minute = 60_000

const what: Record<keyof RateLimits, string> = {
  authPerAddress: 'requests for tokens from this address',
  exchangesPerUser: 'requests for tokens',
  publishesPerUser: 'requests to publish: send several events with one',
  opensPerUser: 'streams opened: a client should back off between two tries',
  statesPerUser: 'requests for the state',
  topicChanges: 'changes of topics: ask for the whole set at once',
}

/** An IPv6 address counts with its /64. */
export const createRateLimits = async (
  app: FastifyInstance,
  options: RateLimitsOptions,
): Promise<RateLimits> => {
  app.decorateRequest('user', null)
  await app.register(rateLimit, {
    global: false,
    timeWindow: minute,
    cache: 10_000,
    ...(options.store ? { store: options.store } : {}),
  })

  const ofUser = ({ user }: FastifyRequest) => user ?? ''
  const ofStream = ({ user, headers }: FastifyRequest) => JSON.stringify([user, headers['stream-client']])

  const limit = (
    groupId: keyof RateLimits,
    max: number,
    keyGenerator?: (request: FastifyRequest) => string,
    timeWindow = minute,
  ): IsExceeded => {
    const limited = { max, groupId, timeWindow, ...(keyGenerator ? { keyGenerator } : {}) }
    const count = max === Number.POSITIVE_INFINITY ? undefined : app.createRateLimit(limited)

    return async (request, reply) => {
      const verdict = await count?.(request)
      if (!verdict || verdict.isAllowed || !verdict.isExceeded) return false
      reply.header('Retry-After', Math.max(1, verdict.ttlInSeconds))
      problem(reply, 429, 'too_many_requests', `Too many ${what[groupId]}. Wait as Retry-After says.`)
      return true
    }
  }

  const { limits, topicChanges } = options
  return {
    authPerAddress: limit('authPerAddress', limits.authPerAddress),
    exchangesPerUser: limit('exchangesPerUser', limits.exchangesPerUser, ofUser),
    publishesPerUser: limit('publishesPerUser', limits.publishesPerUser, ofUser),
    opensPerUser: limit('opensPerUser', limits.opensPerUser, ofUser),
    statesPerUser: limit('statesPerUser', limits.statesPerUser, ofUser),
    // A user has one stream for each client that it names.
    topicChanges: limit('topicChanges', topicChanges, ofStream, 1_000),
  }
}
