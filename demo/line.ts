import { connect, type Status, type Stream } from 'tabstream'
import { type Events, eventTypes } from './catalogue.ts'
import { call, getAccessToken } from './session.ts'
import { workerScript } from './worker-script.ts'

/** `none`: between the two, since both want the same places at the server. */
export type Mode = 'tabstream' | 'native' | 'none'

export interface LineOptions {
  user: string
  onEvent: (type: string, id: string, data: string) => void
  onReset: (reason: string) => void
  onError: (message: string) => void
  /** `state()` may be another. */
  onChange: () => void
}

const url = '/api/v1/events/stream'
const exchange = '/api/v1/auth/sse-token'

/** Shorter than the library's 20 s, so that one can watch: the server of the demo gives a sign of life every second. */
export const heartbeat = { timeout: 3_000, misses: 2 }

/** What a person would call it. */
export const labelOf = ({ state, health }: Status): string =>
  state === 'open' && health === 'degraded' ? 'silent' : state

/** How this tab hears of events: by the library, or, for comparison, by an EventSource of its own. */
export const createLine = ({ user, onEvent, onReset, onError, onChange }: LineOptions) => {
  let mode: Mode = 'none'
  let stream: Stream<Events> | null = null
  let source: EventSource | null = null
  let state = 'closed'
  let lastId = ''

  const setState = (next: string) => {
    state = next
    onChange()
  }

  const openStream = () => {
    stream = connect<Events>(url, {
      user,
      auth: { exchange, getAccessToken },
      heartbeat,
      worker: { shared: (options) => new SharedWorker(workerScript(), { ...options, type: 'module' }) },
      // Back from the comparison: what came meanwhile is in the log by then, or at the server.
      ...(lastId === '' ? {} : { from: { after: lastId } }),
    })
    stream.on('*', (_, { type, id, data }) => {
      lastId = id
      onEvent(type, id, data)
    })
    stream.onReset(({ reason }) => onReset(reason))
    stream.onError(({ message }) => onError(message))
    stream.onStatus((status) => setState(labelOf(status)))
    setState(labelOf(stream.status))
  }

  const openSource = async () => {
    setState('connecting')
    // The cookie that a native EventSource brings along, since it can send no header.
    await call('POST', exchange, { mode: 'cookie' })
    if (mode !== 'native') return
    const opened = new EventSource(url)
    source = opened
    for (const type of eventTypes)
      opened.addEventListener(type, ({ data, lastEventId }) => onEvent(type, lastEventId, data))
    opened.onopen = () => setState('open')
    // 429 or whatever else: all that it tells is that it has given up.
    opened.onerror = () => setState(opened.readyState === EventSource.CLOSED ? 'refused' : 'connecting')
  }

  return {
    mode: () => mode,
    state: () => state,
    /** Null but in mode `tabstream`. */
    stream: () => stream,
    use(next: Mode): void {
      if (next === mode) return
      mode = next
      stream?.close()
      source?.close()
      stream = null
      source = null
      setState('closed')
      if (mode === 'tabstream') openStream()
      if (mode === 'native') openSource().catch(() => setState('refused'))
    },
  }
}

export type Line = ReturnType<typeof createLine>
