import type { WorkerFactories } from './attachment/worker-factory.ts'
import type { SchemaMap } from './delivery/schema.ts'
import { namesCredential, resolveEndpoint } from './endpoint.ts'
import { refuseUnknownOptions } from './option-names.ts'
import type { From } from './shared/events.ts'
import type { HubOptions } from './shared/hub-options.ts'

export interface ConnectOptions {
  /**
   * The id of the logged-in user; `null` for a stream that is the same for everybody. Required: two users of
   * one browser must never share a stream (A3).
   */
  user: string | null
  /** How the stream is authenticated. Default: by the cookies that the browser sends anyway. */
  auth?: {
    /**
     * The access token of the moment, refreshed if need be. Asked of one live tab, for all of them, within
     * 20 s. Rejects where there may be one in a while (the network is down): it is asked again, with backoff.
     * An empty answer says that nobody is logged in: the stream is `unauthorized`, and asks again, ever more seldom.
     */
    getAccessToken: () => string | null | undefined | Promise<string | null | undefined>
    /**
     * Whose access token it is, read from the token itself: an id as in `user`, or nothing if the token does not say.
     * For servers that tell it neither at the exchange nor in `Stream-User` (A3). A token of another user than `user`
     * is not sent: it may come from a cookie that another log-in of this browser has replaced. Default: not asked.
     */
    userOf?: (token: string) => string | null | undefined
    /**
     * URL of the token endpoint that gives a short-lived SSE token for it (R5). Default: none, and the access
     * token itself goes into the stream's Authorization header.
     */
    exchange?: string | URL
    /**
     * Proof of possession (DPoP, RFC 9449). The worker makes a key that nobody can read, and proves with each exchange
     * and each stream that it has that key. A server that binds its SSE token to the key makes a stolen token worthless.
     * Needs `exchange`. Default: none.
     */
    dpop?: boolean
  }
  /**
   * Starts the application's own worker file: as a SharedWorker, and as a dedicated Worker where there is none
   * or it does not load. The literals must stand in your code, in this form, since they are what Vite, webpack
   * and Turbopack look for; the spread comes before `type`:
   * `shared: (options) => new SharedWorker(new URL('./stream.worker.ts', import.meta.url), { ...options, type: 'module' })`,
   * and `dedicated` likewise with `new Worker`. Default: the worker file that comes with the package; if one of
   * the two is given, only that one is used.
   */
  worker?: WorkerFactories
  /** Where a tab starts (D5). Default `'now'`: what the worker receives from the call of `connect()` on. */
  from?: From
  /** Send cookies to another origin as well. Default `false`. */
  withCredentials?: boolean
  /**
   * Sent with every request of the stream; its own (`Last-Event-ID`, `Stream-Client`, and `Authorization` where
   * `auth` is set) come first. One set for all tabs: what changes, as a token does, belongs in `auth`. Default: none.
   */
  headers?: Record<string, string>
  /** `'strict'`: a resumption that the server does not confirm is a reset (D7). Default `'lenient'`. */
  resume?: 'lenient' | 'strict'
  /**
   * S3. `timeout`: ms without a byte after which the stream is `degraded`. `misses`: so many of them in a row end it.
   * If only one of the two is given, the other is 20,000 or 2. Default: both follow from the rhythm in which the server
   * sends comments or pings; 5 minutes for a server that sends none.
   */
  heartbeat?: { timeout?: number; misses?: number }
  /**
   * How a request says after which event the stream goes on. `{ query }`: in the query parameter of that name, e.g.
   * `lastEventID`, for a server of another origin whose CORS headers do not allow `Last-Event-ID`. Default: in the
   * header `Last-Event-ID`.
   */
  lastEventId?: { query: string }
  /**
   * B2. What the log keeps at most: `events`, default 5,000; `bytes`, default 20 MiB (in characters); `age`
   * in ms, default 24 h. Beyond it the oldest go; a tab that still lacked one gets a reset `fell-behind`. The newest event of
   * each topic and type outlives that (ST3): of `newest` of them, default 200, and 2 MiB.
   */
  log?: { events?: number; bytes?: number; age?: number; newest?: number }
  /**
   * B1. Characters of one event's data, default 1 MiB. A larger one is skipped, with `error{kind: 'too-large'}`
   * and a reset.
   */
  maxEventSize?: number
  /**
   * A5. Events of these `types` must be signed: by a key of the set at `jwks`, for this `audience`, and over user,
   * id, type and time of issue. Listeners get what was signed; anything else is dropped, with
   * `error{kind: 'signature'}`. Needs a worker file of your own that says
   * `serve({ verifier: createVerifier })`, from `tabstream/verify`. A new key is best served for 10 minutes before
   * it signs: unknown ones are looked for at most every 30 s. Default: nothing is verified.
   */
  verify?: { jwks: string | URL; audience: string; types: string[] }
  /**
   * Whether an event is dropped that a resumed connection sends again (D3). The log must hold an event of the same id,
   * type and data, and the id must be the event's own. The first event of the connection that the log does not hold
   * ends this. Default `true`. `false`: every event that the server sends is delivered.
   */
  dedupe?: boolean
  /**
   * ms: the most that an event waits for others, once they come faster than that. An event that comes alone never
   * waits. `0`: no event waits, and each costs a message to every tab. Default 16, a frame.
   */
  coalesce?: number
  /**
   * Tabs that nobody looks at. `every`: a hidden tab is delivered to at most once in so many ms (H1), and has everything
   * at once when it comes into view. Default 1,000; `0`: as a tab in view. A listener that is `urgent` does not wait.
   * `release`: ms without any tab in view after which the stream is let go (H2), at least 10,000. It is taken up again
   * once a tab is in view, after the last event ID. Default `false`: it is kept.
   */
  hidden?: { every?: number; release?: number | false }
  /**
   * Any Standard Schema (zod, valibot, ...) by event type, not asynchronous. Infers the event map, and validates
   * in each tab that listens; what does not fit is `error{kind: 'validation'}`, whose `cause` has the `issues`, and
   * is not delivered. Listeners get what the schema puts out. Default: nothing is validated.
   */
  schemas?: SchemaMap
  /**
   * Turns an event's data into what listeners get. Default: JSON, and `null` where there is no data. `String`, or
   * `text` of this package, leaves it as it came. What it throws is `error{kind: 'validation'}`.
   */
  parse?: (data: string, type: string) => unknown
  /**
   * Topics over this one stream (R7): `stream.topic(name)`. A stream with topics has a key of its own. Default: none, and
   * what the server says of topics is a comment.
   */
  topics?: {
    /** The URL parameter that asks for a topic. Default `'topic'`; Mercure 1.0: `'match'`. */
    param?: string
    /** `null`: the parameter repeats. Else one list, joined by this text, which no topic may hold. Default `null`. */
    separator?: string | null
    /** `'auto'`: as the server's answer offers (R8), else the stream is reopened. Default `'auto'`. */
    change?: 'auto' | 'reopen'
    /** ms for which the server is still asked for a topic that no tab wants any more. Default 30,000. */
    grace?: number
    /** Topics over all tabs, 1 to 100. One beyond is refused in the tab that asked last. Default 100. */
    most?: number
  }
}

/** The most names that one request holds (R7). */
const MOST_TOPICS = 100

/** An option that has no way to be right. @param must what it must be */
const wrong = (name: string, must: string) => new TypeError(`tabstream: \`${name}\` must be ${must}.`)

/** ms: below this, tabs that are switched would reopen the stream all the time. */
const LEAST_RELEASE = 10_000

const plainHidden = (hidden: ConnectOptions['hidden'] = {}): HubOptions['hidden'] => {
  const { every = 1_000, release = false } = hidden
  if (!(typeof every === 'number' && every >= 0)) throw wrong('hidden.every', '0 or a number above it')
  if (release !== false && !(typeof release === 'number' && release >= LEAST_RELEASE))
    throw wrong('hidden.release', '`false`, or a number of ms from 10,000 on')
  return { every, release }
}

const aboveZero = <T extends Record<string, number>>(group: string, values: T): T => {
  for (const [name, value] of Object.entries(values))
    if (!(typeof value === 'number' && value > 0)) throw wrong(group + name, 'a number above 0')
  return values
}

/** A plain copy: what a framework has wrapped in a proxy cannot be cloned on its way to the worker. */
export const plainFrom = (from: From = 'now'): From => {
  if (from === 'now' || from === 'start') return from
  const { last, after } = (from ?? {}) as Partial<{ last: number; after: string }>
  if (typeof last === 'number' && last >= 0 && Math.floor(last) === last) return { last }
  if (typeof after === 'string') return { after }
  throw wrong('from', "'now', 'start', { last: number } or { after: id }")
}

/** @throws TypeError the option makes no sense, or the URL asks for a topic itself, which no tab would know of */
const plainTopics = (topics: NonNullable<ConnectOptions['topics']>, url: string): HubOptions['topics'] => {
  const { param = 'topic', separator = null, change = 'auto', grace = 30_000, most = MOST_TOPICS } = topics
  if (
    typeof param !== 'string' ||
    param === '' ||
    namesCredential(param) ||
    new URL(url).searchParams.has(param)
  )
    throw wrong('topics.param', 'the name of a parameter that the URL has not yet, and no credential')
  if (separator !== null && (typeof separator !== 'string' || separator === ''))
    throw wrong('topics.separator', '`null` or a text')
  if (change !== 'auto' && change !== 'reopen') throw wrong('topics.change', "'auto' or 'reopen'")
  if (!(typeof grace === 'number' && grace >= 0)) throw wrong('topics.grace', '0 or a number above it')
  if (!(Number.isInteger(most) && most > 0 && most <= MOST_TOPICS))
    throw wrong('topics.most', `a whole number from 1 to ${MOST_TOPICS}`)
  return { param, separator, change, grace, most }
}

/** As the hub names its own, which replace them; `Headers` also refuses what no request can carry. */
const lowerCase = (headers: ConnectOptions['headers']): Record<string, string> => {
  try {
    return Object.fromEntries(new Headers(headers))
  } catch {
    // The browser's own words quote the value, which may be a credential (A1).
    throw new TypeError('tabstream: a name or value in `headers` cannot be sent.')
  }
}

/** @throws TypeError an option that is unknown, missing or makes no sense, and what to do about it */
export const toHubOptions = (url: string | URL, options: ConnectOptions, base: string): HubOptions => {
  // Without types, `connect(url)` is the likeliest way to leave the user out.
  const { user, auth, verify, withCredentials = false, resume = 'lenient', coalesce = 16 } = options ?? {}
  const { heartbeat, lastEventId } = options ?? {}
  // A half of a surrogate pair is no text: no name of a database or lock can hold it.
  if (user !== null && (typeof user !== 'string' || user === '' || /\p{Surrogate}/u.test(user)))
    throw wrong('user', 'the id of the logged-in user, or `null` for a stream that is the same for all')
  refuseUnknownOptions(options)
  if (auth !== undefined && typeof auth.getAccessToken !== 'function')
    throw wrong('auth.getAccessToken', 'a function that gives the token')
  const exchange = auth?.exchange
  if (auth?.dpop && exchange === undefined)
    throw wrong('auth.exchange', 'the token endpoint, where `auth.dpop` is set')
  if (
    verify !== undefined &&
    !(
      verify.jwks &&
      typeof verify.audience === 'string' &&
      verify.audience &&
      Array.isArray(verify.types) &&
      verify.types[0]
    )
  )
    throw wrong('verify', '{ jwks, audience, types }')
  if (lastEventId !== undefined && !(typeof lastEventId?.query === 'string' && lastEventId.query !== ''))
    throw wrong('lastEventId', '{ query: name }')
  if (resume !== 'lenient' && resume !== 'strict') throw wrong('resume', "'lenient' or 'strict'")
  if (!(typeof coalesce === 'number' && coalesce >= 0)) throw wrong('coalesce', '0 or a number above it')
  const resolved = resolveEndpoint(url, base, 'the URL given to connect()')
  return {
    url: resolved,
    user,
    auth:
      auth === undefined
        ? null
        : {
            exchange: exchange === undefined ? null : resolveEndpoint(exchange, base, '`auth.exchange`'),
            ...(auth.dpop === true ? { dpop: true as const } : {}),
          },
    withCredentials,
    headers: lowerCase(options.headers),
    resume,
    heartbeat:
      heartbeat === undefined ? null : aboveZero('heartbeat.', { timeout: 20_000, misses: 2, ...heartbeat }),
    lastEventId: lastEventId === undefined ? null : { query: lastEventId.query },
    log: aboveZero('log.', {
      events: 5_000,
      bytes: 20 * 1024 * 1024,
      age: 24 * 3_600_000,
      newest: 200,
      ...options.log,
    }),
    dedupe: options.dedupe ?? true,
    coalesce,
    hidden: plainHidden(options.hidden),
    ...aboveZero('', { maxEventSize: options.maxEventSize ?? 1024 * 1024 }),
    verify:
      verify === undefined
        ? null
        : {
            jwks: resolveEndpoint(verify.jwks, base, '`verify.jwks`'),
            audience: verify.audience,
            types: [...new Set(verify.types.map(String))].sort(),
          },
    topics: options.topics === undefined ? null : plainTopics(options.topics, resolved),
  }
}
