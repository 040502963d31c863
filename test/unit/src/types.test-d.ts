import type {
  ConnectOptions,
  EventMap,
  Status,
  Stream,
  StreamError,
  StreamEvent,
} from '../../../src/index.ts'
import { connect } from '../../../src/index.ts'

/** Checked by `tsc`, never run: every line below `@ts-expect-error` must not compile. */
type Events = {
  'chapter.updated': { id: string; title: string }
  'task.progress': { percent: number }
}
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <T extends true>(..._: T[]) => {}

export const eventMap = async (stream: Stream<Events>) => {
  stream.on('chapter.updated', (chapter, event) => {
    holds<Equal<typeof chapter, { id: string; title: string }>>()
    holds<Equal<typeof event, StreamEvent<'chapter.updated'>>>()
    // @ts-expect-error the payload of another type
    chapter.percent
  })
  // @ts-expect-error a type that the map lacks
  stream.on('chapter.deleted', () => {})
  // @ts-expect-error a listener of another payload
  stream.on('task.progress', (progress: { title: string }) => progress)

  stream.on('*', (payload, event) => {
    holds<Equal<typeof payload, Events[keyof Events]>>()
    holds<Equal<typeof event.type, keyof Events>>()
  })

  for await (const event of stream.events('task.progress')) {
    holds<Equal<typeof event.payload, { percent: number }>>()
    holds<Equal<typeof event.type, 'task.progress'>>()
    holds<Equal<typeof event.id, string>>()
  }
  // @ts-expect-error a type that the map lacks
  stream.events('nothing')
  stream.events('task.progress', { signal: new AbortController().signal })
}

export const listeners = (stream: Stream<Events>) => {
  const offs: (() => void)[] = [
    stream.on('task.progress', () => {}),
    stream.onReset(({ reason }) => reason),
    stream.onError((error) => error.kind),
    stream.onStatus((status) => status.state),
  ]
  stream.onError((error) => holds<Equal<typeof error, StreamError>>())
  stream.onStatus((status) => holds<Equal<typeof status, Status>>())
  // @ts-expect-error the status is read, never set
  stream.status = {} as Status
  // @ts-expect-error no such reason
  stream.onReset(({ reason }) => reason === 'because')
  // @ts-expect-error no such kind
  stream.onError(({ kind }) => kind === 'because')
  return offs
}

export const options = () => {
  connect('/stream', { user: 'ann' })
  connect(new URL('https://app.test/stream'), { user: null })
  // @ts-expect-error `user` is required (A3)
  connect('/stream', {})
  // @ts-expect-error `user` is required (A3)
  connect('/stream')
  // @ts-expect-error the id of a user is a string
  connect('/stream', { user: 7 })
  // @ts-expect-error left out by way of undefined
  connect('/stream', { user: undefined })
  // @ts-expect-error `auth` needs getAccessToken
  connect('/stream', { user: 'ann', auth: { exchange: '/token' } })
  // @ts-expect-error no such start
  connect('/stream', { user: 'ann', from: 'yesterday' })
  // @ts-expect-error no such resumption
  connect('/stream', { user: 'ann', resume: 'maybe' })
  // @ts-expect-error a misspelled option
  connect('/stream', { user: 'ann', heartBeat: { timeout: 1 } })
  const all: ConnectOptions = {
    user: 'ann',
    auth: { getAccessToken: async () => 'token', exchange: new URL('https://app.test/token') },
    worker: { shared: ({ name }) => new SharedWorker('/worker.js', { name, type: 'module' }) },
    from: { after: '7' },
    heartbeat: { misses: 3 },
    log: { events: 10 },
    parse: (data, type) => [data, type],
  }
  return connect('/stream', all)
}

export const withoutMap = () => {
  const stream = connect('/stream', { user: null })
  holds<Equal<typeof stream, Stream<EventMap>>>()
  stream.on('anything', (payload) => {
    holds<Equal<typeof payload, unknown>>()
    // @ts-expect-error nothing is known of it
    payload.id
  })
}

interface Declared {
  note: { text: string }
}

export const interfaceMap = () => {
  const stream = connect<Declared>('/stream', { user: null })
  stream.on('note', ({ text }) => text.length)
  // @ts-expect-error a type that the map lacks
  stream.on('notes', () => {})
}
