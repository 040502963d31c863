import * as v from 'valibot'
import { z } from 'zod'
import type {
  ConnectOptions,
  EventMap,
  Status,
  Stream,
  StreamError,
  StreamEvent,
  StreamState,
  Topic,
  TopicStatus,
} from '../../../src/index.ts'
import { connect } from '../../../src/index.ts'
import { StreamProvider, useEvent, useLatest, useStatus, useStream, useTopic } from '../../../src/react.ts'
import { SharedEventSource } from '../../../src/shared-event-source.ts'
import { createTestStream } from '../../../src/testing.ts'

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
  stream.on('chapter.deleted', () => {}, { urgent: true })
  // @ts-expect-error there is no such option
  stream.on('chapter.deleted', () => {}, { urgnet: true })
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

export const schemas = () => {
  const stream = connect('/stream', {
    user: null,
    schemas: { note: z.object({ text: z.string() }), count: v.pipe(v.string(), v.transform(Number)) },
  })
  stream.on('note', (note) => holds<Equal<typeof note, { text: string }>>())
  stream.on('count', (count) => holds<Equal<typeof count, number>>())
  // @ts-expect-error no schema, no type
  stream.on('other', () => {})
  // @ts-expect-error what the schema does not put out
  stream.on('note', (note: { title: string }) => note)
  // @ts-expect-error no Standard Schema
  connect('/stream', { user: null, schemas: { note: { type: 'object' } } })
  // A map of one's own beside schemas for some of its types.
  const own = connect<Declared>('/stream', { user: null, schemas: { note: z.object({ text: z.string() }) } })
  holds<Equal<typeof own, Stream<Declared>>>()
}

interface Chat {
  message: { text: string }
}
type Topics = { lobby: { joined: { who: string } }; [chat: `chat/${string}`]: Chat }

export const topics = async (id: string) => {
  const stream = connect<Events, Topics>('/stream', { user: null, topics: {} })
  const chat = stream.topic(`chat/${id}`)
  holds<Equal<typeof chat, Topic<Chat>>>()
  chat.on('message', ({ text }, event) => {
    holds<Equal<typeof event, StreamEvent<'message'>>>()
    return text.length
  })
  chat.on('*', (payload) => holds<Equal<typeof payload, { text: string }>>())
  // @ts-expect-error a type of another topic
  chat.on('joined', () => {})
  for await (const { payload } of chat.events('message')) holds<Equal<typeof payload, { text: string }>>()
  using lobby = stream.topic('lobby', { signal: new AbortController().signal })
  lobby.on('joined', ({ who }) => who)
  await lobby.ready({ signal: new AbortController().signal })
  holds<Equal<typeof lobby.status, TopicStatus>>()
  // @ts-expect-error a topic that no key and no pattern fits
  stream.topic('chats/1')
  // @ts-expect-error an event of a topic is not heard by the stream
  stream.on('joined', () => {})
  // @ts-expect-error no such way to change the set
  connect('/stream', { user: null, topics: { change: 'put' } })

  const untyped = connect('/stream', { user: null, topics: { separator: ',', grace: 0 } }).topic(id)
  holds<Equal<typeof untyped, Topic<EventMap>>>()
  untyped.on('anything', (payload) => holds<Equal<typeof payload, unknown>>())

  const schemas = { note: z.object({ text: z.string() }) }
  const validated = connect('/stream', { user: null, topics: {}, schemas }).topic(id)
  validated.on('note', (note) => holds<Equal<typeof note, { text: string }>>())
  // @ts-expect-error no schema, no type
  validated.on('other', () => {})
}

export const testOfTopics = () => {
  const { stream, emit, topic } = createTestStream<Events, Topics>()
  holds<Equal<typeof stream, Stream<Events, Topics>>>()
  emit('task.progress', { percent: 1 }, { id: '7' })
  emit('message', { text: 'hello' }, { topic: 'chat/1' })
  // @ts-expect-error the payload of another type
  emit('message', { who: 'ann' }, { topic: 'chat/1' })
  // @ts-expect-error a type of another topic
  emit('message', { text: 'hello' }, { topic: 'lobby' })
  // @ts-expect-error the stream has no such type
  emit('message', { text: 'hello' })
  topic('chat/1').live()
  // @ts-expect-error no such topic
  topic('chats/1').refuse()
}

export const test = () => {
  const { stream, emit, fail } = createTestStream<Events>()
  holds<Equal<typeof stream, Stream<Events>>>()
  emit('task.progress', { percent: 1 })
  // @ts-expect-error the payload of another type
  emit('task.progress', { title: 'no' })
  // @ts-expect-error no such kind
  fail({ kind: 'because' })
}

export const nativeSource = (): EventSource => new SharedEventSource('/stream', { user: null })

export const eventSource = () => {
  const source = new SharedEventSource('/stream', { user: 'ann' })
  holds<Equal<ReturnType<typeof source.signOut>, Promise<void>>>()
  // @ts-expect-error whose stream it is must be said
  new SharedEventSource('/stream')
  source.onmessage = (event) => holds<Equal<typeof event, MessageEvent>>()
  source.addEventListener('note', (event) => event.data)
  // @ts-expect-error it is read, never set
  source.readyState = SharedEventSource.OPEN
  // @ts-expect-error data stays text, as in the native class
  new SharedEventSource('/stream', { user: null, parse: JSON.parse })
}

declare module '../../../src/react.ts' {
  interface Register {
    stream: Stream<Events, Topics>
  }
}

export const hooks = () => {
  useEvent('task.progress', (progress, event) => {
    holds<Equal<typeof progress, { percent: number }>>()
    holds<Equal<typeof event, StreamEvent<'task.progress'>>>()
  })
  // @ts-expect-error a type that the map lacks
  useEvent('nothing', () => {})
  const latest = useLatest('chapter.updated')
  holds<Equal<typeof latest, { id: string; title: string } | undefined>>()
  const chat = useTopic('chat/1')
  holds<Equal<typeof chat, Topic<Chat> | null>>()
  useEvent('message', ({ text }) => text, { topic: chat })
  // @ts-expect-error a type of another topic
  useEvent('joined', () => {}, { topic: chat })
  // @ts-expect-error a topic that no key and no pattern fits
  useTopic('chats/1')
  const message = useLatest('message', { topic: chat })
  holds<Equal<typeof message, { text: string } | undefined>>()
  const state = useStatus(({ state }) => state)
  holds<Equal<typeof state, StreamState>>()
  const stream = useStream()
  holds<Equal<typeof stream, Stream<Events, Topics> | null>>()
  // @ts-expect-error a stream of other events
  return StreamProvider({ stream: connect<Declared>('/stream', { user: null }) })
}
