import type { ResetReason } from '../../../src/shared/events.ts'
import type { HubOptions } from '../../../src/shared/hub-options.ts'
import type { ConnectionStatus, ErrorData } from '../../../src/shared/status.ts'
import { createCredentials } from '../../../worker/auth/credentials.ts'
import { createMetrics } from '../../../worker/base/metrics.ts'
import type { Received } from '../../../worker/log/received.ts'
import { createConnection } from '../../../worker/stream/connection.ts'
import { createIngest } from '../../../worker/stream/ingest.ts'
import { createSignedEventFilter } from '../../../worker/stream/signed-event-filter.ts'
import type { CreateVerifier } from '../../../worker/verify/verifier.ts'
import { createFakePlatform } from './platform.ts'

export const OPTIONS: HubOptions = {
  url: 'https://app.test/stream',
  user: 'ann',
  auth: null,
  withCredentials: false,
  headers: {},
  resume: 'lenient',
  heartbeat: { timeout: 20_000, misses: 2 },
  lastEventId: null,
  log: { events: 5_000, bytes: 20 * 1024 * 1024, age: 24 * 3_600_000, newest: 200 },
  maxEventSize: 1_024,
  dedupe: true,
  coalesce: 16,
  hidden: { every: 1_000, release: false },
  verify: null,
  topics: null,
}

/** What a connection needs of a log, with nothing behind it. */
const createStubLog = () => {
  const appended: Received[] = []
  /** Of each connection, whether it resumed. */
  const connections: boolean[] = []
  const restarts: [ResetReason, string][] = []
  let position = ''
  let rhythm: number | null = null
  return {
    appended,
    restarts,
    connections,
    ready: Promise.resolve(),
    setPosition(id: string) {
      position = id
    },
    async connected(isResumed: boolean) {
      connections.push(isResumed)
    },
    async append(blocks: Received[]) {
      appended.push(...blocks)
      position = blocks.findLast((block) => block.givenId !== null)?.givenId ?? position
      return blocks.filter(({ type }) => type !== null).length
    },
    async restart(reason: ResetReason, lastEventId = position) {
      restarts.push([reason, lastEventId])
      position = lastEventId
    },
    head: () => appended.length,
    lastEventId: () => position,
    streamClient: () => 'this-browser',
    rhythm: () => rhythm,
    keepRhythm(period: number | null) {
      rhythm = period
    },
  }
}

export interface ConnectionSetup {
  sendStreamClient?: boolean
  sameOrigin?: boolean
  createVerifier?: CreateVerifier | null
  /** The access token of the moment; another one each time, if left out. */
  token?: () => string
}

export const openConnection = (
  over: Partial<HubOptions> = {},
  { sendStreamClient = true, sameOrigin = true, createVerifier = null, token }: ConnectionSetup = {},
) => {
  const platform = createFakePlatform()
  // The middle of the jitter: a first wait of 500 ms.
  platform.setRandom(0.5)
  const options = { ...OPTIONS, ...over }
  const log = createStubLog()
  const metrics = createMetrics()
  const errors: ErrorData[] = []
  /** States in the order they were entered. */
  const states: ConnectionStatus['state'][] = []
  let tokens = 0
  const { user, verify } = options
  const ingest = createIngest({
    log,
    filter: createSignedEventFilter({
      verifier: verify && createVerifier!({ platform, user, ...verify }),
      types: verify?.types ?? [],
      taken: { sync: async () => {}, find: () => null },
      metrics,
    }),
    topics: null,
    backpressure: { piece: (all, from) => all.slice(from), room: async () => {}, caughtUp: async () => {} },
    leads: async () => true,
  })
  const connection = createConnection({
    platform,
    options,
    log,
    ingest,
    topics: null,
    metrics,
    credentials: createCredentials({
      platform,
      user: options.user,
      auth: options.auth,
      withCredentials: options.withCredentials,
      proof: null,
      streamClient: async () => null,
      askTab: async (judge) => {
        tokens++
        return judge({ ok: true, token: token?.() ?? `token-${tokens}` })
      },
      onUnknownLife: () => {},
    }),
    sameOrigin,
    sendStreamClient,
    onStatus() {
      const { state } = connection.status()
      if (states.at(-1) !== state) states.push(state)
    },
    rest: async () => {},
    onError: (error) => errors.push(error),
  })
  const { server } = platform
  return {
    platform,
    server,
    log,
    metrics,
    errors,
    states,
    connection,
    state: () => connection.status().state,
    tokens: () => tokens,
    /** Lets it stream, and answers the first request with a stream. */
    async open(headers: Record<string, string> = {}) {
      connection.release()
      return this.accept(headers)
    },
    async accept(headers: Record<string, string> = {}) {
      const request = await server.next()
      const body = request.stream(headers)
      await platform.advance(0)
      return { request, body }
    },
  }
}

export type OpenConnection = ReturnType<typeof openConnection>
