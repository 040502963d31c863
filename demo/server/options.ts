import { randomBytes } from 'node:crypto'
import { demoUsers } from '../demo-users.ts'

/** Everything that `startServer` can be told. Only `dataDir` has no default. */
export interface ServerOptions {
  /** Directory of the event store and of the token secret. Created if missing. */
  dataDir: string
  /** 0 (default): one that is free. A port that is taken rejects `startServer` with `EADDRINUSE`. */
  port?: number
  /** Directory with a built page, served at `/`. Default: none. */
  staticDir?: string
  /** Enables /debug, which shows and cuts everybody's streams without asking who asks. Default false. */
  debug?: boolean
  /** Origins that may call across origins, each in full (`https://app.example`). Default: none. */
  allowedOrigins?: readonly string[]
  /** Who can log in, with which password. Default: the demo's users. */
  users?: Readonly<Record<string, string>>
  /** Seconds that an access token lives. Default 300. */
  accessTokenLife?: number
  /** Seconds that an SSE token lives, and no stream outlives its token. Default 300. */
  sseTokenLife?: number
  /** Seconds that the log-in of a browser lasts (the refresh cookie). Default 30 days. */
  refreshTokenLife?: number
  /** Milliseconds between signs of life on a stream (R2). Default 15000. */
  pingInterval?: number
  /** Milliseconds after which a client that takes nothing is cut. Default 20000. */
  stallTimeout?: number
  /** Streams that one user may have open (R6); one more gets 429. Default 2. */
  streamsPerUser?: number
  /** Seconds in the `Retry-After` of a 429. Default 5. */
  limitRetryAfter?: number
  /** Events kept for each user. Resuming from before them is a reset (R4). Default 10000. */
  retention?: number
  /** Characters of JSON that one published payload may have. Default 65536. */
  maxPayload?: number
  /** When the writing pipeline starts: when told to (default), or whenever a user opens a stream. */
  pipeline?: 'on-demand' | 'automatic'
  /** Milliseconds between two events of the pipeline. Default 600. */
  pipelineInterval?: number
  /** Fastify's log on standard output. Tokens and cookies are never in it. Default false. */
  logger?: boolean
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
  /** Default `crypto.randomBytes`. */
  random?: (bytes: number) => Buffer
}

export type Settings = Required<Omit<ServerOptions, 'staticDir'>> & Pick<ServerOptions, 'staticDir'>

const defaults: Omit<Settings, 'dataDir'> = {
  port: 0,
  debug: false,
  allowedOrigins: [],
  users: demoUsers,
  accessTokenLife: 300,
  sseTokenLife: 300,
  refreshTokenLife: 30 * 24 * 3600,
  pingInterval: 15_000,
  stallTimeout: 20_000,
  streamsPerUser: 2,
  limitRetryAfter: 5,
  retention: 10_000,
  maxPayload: 64 * 1024,
  pipeline: 'on-demand',
  pipelineInterval: 600,
  logger: false,
  now: Date.now,
  random: randomBytes,
}

export const withDefaults = (options: ServerOptions): Settings => ({ ...defaults, ...options })
