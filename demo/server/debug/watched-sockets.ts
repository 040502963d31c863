import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { presentedToken } from '../auth/authenticate.ts'
import { type BoundedMap, createBoundedMap } from '../base/bounded-map.ts'
import { streamPath } from '../http/stream-path.ts'

export interface WatchedStream {
  user: string
  /** Of the SSE token that it was opened with. */
  jti: string
  /** When that token expires: milliseconds since 1970. */
  expiresAt: number
  socket: Socket
}

/** What the demo's faults are done to, and what its bytes are counted at. */
export interface StreamWatch {
  of(user: string): readonly WatchedStream[]
  /** Bytes that the server has written for a user's streams, heads of the answers included. */
  bytes(user: string): number
  /** How many of the user's requests for a stream it has refused by 429. */
  refused(user: string): number
  /** New streams of this user wait, without an answer, until `opened`. */
  hold(user: string, opened: Promise<unknown>): void
}

/** Users that it remembers something of. */
const most = 10_000

interface Counted extends WatchedStream {
  /** Of the socket, before this request: it may have served others. */
  bytesBefore: number
}

/** Not verified: the stream's own route does that, and nothing here lets anybody in. */
const readClaims = (token: string) => {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as {
      sub: string
      jti: string
      exp: number
    }
  } catch {
    return
  }
}

const claimsOf = (request: FastifyRequest) =>
  [presentedToken(request)?.token, ...Object.values(request.cookies)].flatMap((token) =>
    token === undefined ? [] : (readClaims(token) ?? []),
  )[0]

/**
 * The sockets of the streams, by user: what the demo's faults are done to and what its bytes are counted at. Apart
 * from the registry, which knows streams and not what carries them. Install it after the cookie plugin, with `debug`.
 */
export const watchStreams = (app: FastifyInstance): StreamWatch => {
  const open = new Set<Counted>()
  const bytesOfClosed = createBoundedMap<string, number>(most)
  const refusals = createBoundedMap<string, number>(most)
  const gates = createBoundedMap<string, Promise<unknown>>(most)

  const bytesOf = ({ socket, bytesBefore }: Counted) => socket.bytesWritten - bytesBefore
  const add = (counts: BoundedMap<string, number>, user: string, more: number) =>
    counts.set(user, (counts.get(user) ?? 0) + more)

  app.addHook('onRequest', async (request, reply) => {
    const claims = request.routeOptions.url === streamPath ? claimsOf(request) : undefined
    if (!claims) return
    const { sub: user, jti, exp } = claims
    const { socket } = request.raw
    for (let gate = gates.get(user); gate; gate = gates.get(user)) await gate
    if (socket.destroyed) {
      // Who has gone meanwhile must not take a place: nothing would tell its route to give it back.
      reply.hijack()
      return
    }
    const stream = { user, jti, expiresAt: exp * 1000, socket, bytesBefore: socket.bytesWritten }
    open.add(stream)
    reply.raw.on('close', () => {
      open.delete(stream)
      add(bytesOfClosed, user, bytesOf(stream))
      if (reply.raw.statusCode === 429) add(refusals, user, 1)
    })
  })

  const of = (user: string) => [...open].filter((stream) => stream.user === user)

  return {
    of,
    bytes: (user) => of(user).reduce((sum, stream) => sum + bytesOf(stream), bytesOfClosed.get(user) ?? 0),
    refused: (user) => refusals.get(user) ?? 0,
    hold(user, opened) {
      gates.set(user, opened)
      void opened.then(() => gates.delete(user))
    },
  }
}
