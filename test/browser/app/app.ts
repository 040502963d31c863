import { type ConnectOptions, connect, type Stream, type WorkerFactoryOptions } from 'tabstream'
import { closeEventSource, traceEventSource, traces } from './event-source-scenarios.ts'
import type { StartOptions, TabRecord } from './record.ts'

type Payload = { n?: number }
type Events = Record<string, Payload>

declare global {
  interface Window {
    record: TabRecord
    stream: Stream<Events>
    start: (options?: StartOptions) => { threw?: { name: string; message: string } }
  }
}

const record: TabRecord = {
  events: [],
  statuses: [],
  errors: [],
  resets: [],
  resetsAt: [],
  reported: [],
  tokensAsked: 0,
}
window.record = record
Object.assign(window, { traces, traceEventSource, closeEventSource })
window.addEventListener('error', (event) => record.reported.push(event.message))

const logIn = async (user: string): Promise<string> => {
  record.tokensAsked++
  const response = await fetch('/api/v1/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password: user }),
  })
  if (!response.ok) throw new Error(`The log-in answers ${response.status}`)
  return ((await response.json()) as { access_token: string }).access_token
}

// Vite wants `type` to be readable in these literals, after the spread.
const shared = (options: WorkerFactoryOptions) =>
  new SharedWorker(new URL('./stream.worker.ts', import.meta.url), { ...options, type: 'module' })
const dedicated = (options: WorkerFactoryOptions) =>
  new Worker(new URL('./stream.worker.ts', import.meta.url), { ...options, type: 'module' })

const open = (options: StartOptions) => {
  const { url = '/api/v1/events/stream', user = 'ada', exchange = '/api/v1/auth/sse-token' } = options
  const auth = exchange === null ? {} : { auth: { exchange, getAccessToken: () => logIn(user ?? '') } }
  const stream = connect<Events>(url, {
    ...(user === null ? {} : { user }),
    ...auth,
    worker: options.host === 'worker' ? { dedicated } : { shared, dedicated },
    ...options.connect,
  } as ConnectOptions)
  window.stream = stream

  stream.onStatus(({ state, since, nextAttemptAt, durable }) =>
    record.statuses.push({ state, since, nextAttemptAt, durable }),
  )
  stream.onReset(({ reason }) => {
    record.resets.push({ reason })
    record.resetsAt.push(record.events.length)
  })
  stream.onError((error) => {
    const { kind, state, retryable, attempt, status, lastEventId, message, cause } = error
    record.errors.push(
      JSON.parse(JSON.stringify({ kind, state, retryable, attempt, status, lastEventId, message, cause })),
    )
  })
  const { throwAt, types = ['*'] } = options
  for (const type of types) {
    if (throwAt !== undefined) {
      stream.on(type, ({ n }) => {
        if (n === throwAt) throw new Error(`listener broke at ${n}`)
      })
    }
    stream.on(type, (payload, event) => {
      record.events.push({
        id: event.id,
        type: event.type,
        ...(payload?.n === undefined ? {} : { n: payload.n }),
      })
    })
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
