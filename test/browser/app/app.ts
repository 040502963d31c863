import {
  type ConnectOptions,
  connect,
  type Stream,
  type StreamError,
  type StreamEvent,
  type WorkerFactoryOptions,
} from 'tabstream'
import { SharedEventSource } from 'tabstream/event-source'
import { claimForServer, claimIt, endRuns } from './claims.ts'
import { closeEventSource, traceEventSource, traces } from './event-source-scenarios.ts'
import type { StartOptions, TabRecord } from './record.ts'
import { probeState } from './state.ts'
import { joinTopic, leaveTopic, lives, workerStarted } from './topics.ts'

type Payload = { n?: number }
type Events = Record<string, Payload>

declare global {
  interface Window {
    record: TabRecord
    stream: Stream<Events>
    SharedEventSource: typeof SharedEventSource
    start: (options?: StartOptions) => { threw?: { name: string; message: string } }
    /** What `getAccessToken` gives, where `StartOptions.token` is set. */
    token: string | null
    /** Nobody is logged in: `getAccessToken` gives nothing. */
    loggedOut: boolean
    /** Renders a tree below a `StreamProvider` that connects so. */
    mountReact: (options?: StartOptions) => Promise<void>
  }
}

const record: TabRecord = {
  events: [],
  statuses: [],
  errors: [],
  resets: [],
  resetsAt: [],
  payloads: [],
  reported: [],
  tokensAsked: 0,
}
window.record = record
Object.assign(window, { SharedEventSource, traces, traceEventSource, closeEventSource })
Object.assign(window, { lives, joinTopic, leaveTopic })
Object.assign(window, { runs: [], claimIt, endRuns, claimForServer })
Object.assign(window, { lives, joinTopic, leaveTopic, probeState })
window.addEventListener('error', (event) => record.reported.push(event.message))
window.addEventListener('unhandledrejection', ({ reason }) => record.reported.push(`unhandled: ${reason}`))

const logIn = async (user: string): Promise<string | null> => {
  record.tokensAsked++
  if (window.loggedOut) return null
  const response = await fetch('/api/v1/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password: user }),
  })
  if (!response.ok) throw new Error(`The log-in answers ${response.status}`)
  return ((await response.json()) as { access_token: string }).access_token
}

// Vite wants `type` to be readable in these literals, after the spread.
const shared = (options: WorkerFactoryOptions) => {
  workerStarted()
  return new SharedWorker(new URL('./stream.worker.ts', import.meta.url), { ...options, type: 'module' })
}
const dedicated = (options: WorkerFactoryOptions) => {
  workerStarted()
  return new Worker(new URL('./stream.worker.ts', import.meta.url), { ...options, type: 'module' })
}

const giveToken = (): string | null => {
  record.tokensAsked++
  if (window.token === 'reject') throw new Error('There is no token yet.')
  return window.token
}

const authOf = ({ user = 'ada', exchange = '/api/v1/auth/sse-token', token, dpop = false }: StartOptions) => {
  if (token === undefined)
    return exchange === null ? {} : { auth: { exchange, dpop, getAccessToken: () => logIn(user ?? '') } }
  window.token = token
  return { auth: { getAccessToken: giveToken, ...(exchange === null ? {} : { exchange, dpop }) } }
}

const workersOf = ({ host, worker }: StartOptions) => {
  if (worker === 'package') return {}
  if (worker !== undefined) {
    const of = (options: WorkerFactoryOptions) => ({ ...options, type: 'module' }) as const
    const dedicatedOf = (options: WorkerFactoryOptions) => new Worker(worker, of(options))
    const sharedOf = (options: WorkerFactoryOptions) => new SharedWorker(worker, of(options))
    return {
      worker: host === 'worker' ? { dedicated: dedicatedOf } : { shared: sharedOf, dedicated: dedicatedOf },
    }
  }
  return { worker: host === 'worker' ? { dedicated } : { shared, dedicated } }
}

const connectWith = (options: StartOptions): Stream<Events> => {
  const { url = '/api/v1/events/stream', user = 'ada' } = options
  return connect<Events>(url, {
    ...(user === null ? {} : { user }),
    ...authOf(options),
    ...workersOf(options),
    ...options.connect,
  } as ConnectOptions)
}

const open = (options: StartOptions) => {
  const stream = connectWith(options)
  window.stream = stream

  stream.onStatus(({ state, since, nextAttemptAt, durable }) =>
    record.statuses.push({ state, since, nextAttemptAt, durable }),
  )
  stream.onReset(({ reason }) => {
    record.resets.push({ reason })
    record.resetsAt.push(record.events.length)
  })
  const recordError = (error: StreamError) => {
    const { kind, state, retryable, attempt, status, lastEventId, message, cause } = error
    record.errors.push(
      JSON.parse(JSON.stringify({ kind, state, retryable, attempt, status, lastEventId, message, cause })),
    )
  }
  if (!options.withoutErrorListener) stream.onError(recordError)
  const { throwAt, types = ['*'], urgent = false } = options
  for (const type of types) {
    if (throwAt !== undefined) {
      stream.on(type, ({ n }) => {
        if (n === throwAt) throw new Error(`listener broke at ${n}`)
      })
    }
    const recordEvent = (payload: Payload, event: StreamEvent) => {
      if (options.keepPayloads) record.payloads.push(payload)
      record.events.push({
        id: event.id,
        type: event.type,
        ...(payload?.n === undefined ? {} : { n: payload.n }),
      })
    }
    stream.on(type, recordEvent, { urgent })
  }
}

window.start = (options = {}) => {
  try {
    open(options)
    return {}
  } catch (error) {
    return { threw: { name: (error as Error).name, message: (error as Error).message } }
  }
}

window.mountReact = async (options = {}) => {
  const { mount } = await import('./react-tree.ts')
  mount(() => {
    window.stream = connectWith(options)
    return window.stream
  })
}
