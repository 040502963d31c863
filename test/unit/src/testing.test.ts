import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/index.ts'
import { createTestStream } from '../../../src/testing.ts'
import { settle } from '../harness/turns.ts'

type Events = { note: { text: string }; count: number }

describe('X1 a stream for tests of an application', () => {
  it('runs the listeners of a type, and of all, before emit() returns', () => {
    const { stream, emit } = createTestStream<Events>()
    const heard: unknown[] = []
    const off = stream.on('note', ({ text }, { id }) => heard.push([text, id]))
    stream.on('*', (_, { type }) => heard.push(type))
    void emit('note', { text: 'one' })
    void emit('count', 2, { id: 'x' })
    off()
    void emit('note', { text: 'three' })
    expect(heard).toEqual([['one', '1'], 'note', 'count', 'note'])
    expect(stream.status.lastEventId).toBe('3')
  })

  it('carries what JSON carries, as a server would', () => {
    const { stream, emit } = createTestStream<{ at: { when: unknown; left?: undefined } }>()
    let heard: unknown
    stream.on('at', (payload) => {
      heard = payload
    })
    void emit('at', { when: new Date(0), left: undefined })
    expect(heard).toEqual({ when: '1970-01-01T00:00:00.000Z' })
  })

  it('iterates, and acknowledges once a slow consumer has room', async () => {
    const { stream, emit } = createTestStream<Events>()
    const iterator = stream.events('count')
    let taken = false
    for (let count = 1; count < 1_000; count++) await emit('count', count)
    void emit('count', 1_000).then(() => {
      taken = true
    })
    await settle()
    expect(taken).toBe(false)
    for (let count = 1; count <= 501; count++) expect((await iterator.next()).value.payload).toBe(count)
    await settle()
    expect(taken).toBe(true)
    stream.close()
    for (let left = 499; left > 0; left--) await iterator.next()
    expect((await iterator.next()).done).toBe(true)
  })

  it('fails as told, and is told to reconnect', () => {
    const { stream, fail, reconnects } = createTestStream<Events>()
    const heard: unknown[] = []
    stream.onError((error) => heard.push(error))
    stream.onStatus(({ state }) => heard.push(state))
    const error = fail({ kind: 'auth', status: 401, state: 'unauthorized' })
    expect(error).toBeInstanceOf(StreamError)
    stream.reconnect()
    expect(heard).toEqual([error, 'unauthorized', 'open'])
    expect(stream.status.error).toBeNull()
    expect(reconnects()).toBe(1)
    fail()
    expect(stream.status).toMatchObject({ state: 'waiting', error: { kind: 'network' } })
  })

  it('I2 drops its log: a reset, and nothing is left of it', async () => {
    const { stream, emit } = createTestStream<Events>()
    const heard: unknown[] = []
    stream.onReset(({ reason }) => heard.push(reason))
    await emit('count', 1)
    stream.dropLog()
    expect(heard).toEqual(['dropped'])
    expect((await stream.inspect()).log).toMatchObject({ first: 2, head: 1 })
  })

  it('opened() resolves while it is open, and rejects with what ended it', async () => {
    const { stream, fail } = createTestStream<Events>()
    await stream.opened()
    const error = fail({ kind: 'auth', state: 'failed', message: 'Not yours.' })
    await expect(stream.opened()).rejects.toBeInstanceOf(StreamError)
    await expect(stream.opened()).rejects.toMatchObject({ kind: 'auth', message: error.message })
  })

  it('D8 tells of data that does not parse once, and counts it', async () => {
    const { stream, emit } = createTestStream<Events>({
      parse: () => {
        throw new Error('Not today.')
      },
    })
    const kinds: string[] = []
    stream.onError(({ kind }) => kinds.push(kind))
    stream.on('count', () => kinds.push('heard'))
    for (const count of [1, 2, 3]) await emit('count', count)
    expect(kinds).toEqual(['validation'])
    expect((await stream.metrics()).errors).toEqual({ total: 3, byKind: { validation: 3 } })
  })

  it('resets, and is silent once closed', async () => {
    const { stream, emit, reset } = createTestStream<Events>()
    const heard: unknown[] = []
    stream.onReset(({ reason }) => heard.push(reason))
    stream.on('count', (count) => heard.push(count))
    reset('fell-behind')
    await stream.signOut()
    await emit('count', 1)
    expect(heard).toEqual(['fell-behind'])
    expect(stream.status.state).toBe('closed')
    expect((await stream.events('count').next()).done).toBe(true)
    expect((await stream.metrics()).tabs + (await stream.inspect()).sessions.length).toBe(1)
  })

  describe('with topics', () => {
    type Topics = { lobby: { joined: { who: string } }; [chat: `chat/${string}`]: Events }

    it('an event of a topic is heard by its handles, and by nobody else', async () => {
      const { stream, emit, topic } = createTestStream<Events, Topics>()
      const heard: unknown[] = []
      stream.on('*', () => heard.push('stream'))
      const chat = stream.topic('chat/1')
      const iterator = chat.events('note')
      chat.on('note', ({ text }, { id }) => heard.push(text, id))
      stream.topic('chat/2').on('*', () => heard.push('other'))
      chat.onStatus(({ state }) => heard.push(state))
      expect([chat.status.state, topic('chat/1').isJoined()]).toEqual(['joining', true])
      await emit('note', { text: 'one' }, { topic: 'chat/1' })
      await emit('joined', { who: 'ann' }, { topic: 'lobby' })
      expect(heard).toEqual(['live', 'one', '1'])
      expect((await iterator.next()).value.payload).toEqual({ text: 'one' })
      chat.leave()
      await emit('note', { text: 'two' }, { topic: 'chat/1' })
      expect(heard).toEqual(['live', 'one', '1', 'left'])
      expect(topic('chat/1').isJoined()).toBe(false)
    })

    it('is live, refused and reset as told; ready() waits for it', async () => {
      const { stream, topic, reset } = createTestStream<Events, Topics>()
      const heard: unknown[] = []
      stream.onError(({ kind, topic, status }) => heard.push([kind, topic, status]))
      const lobby = stream.topic('lobby')
      const ready = lobby.ready().then(() => heard.push('ready'))
      lobby.onReset(({ reason }) => heard.push(reason))
      topic('lobby').live(false)
      await ready
      expect(lobby.status).toEqual({ state: 'live', confirmed: false, error: null })
      topic('lobby').reset()
      reset('log-lost')
      topic('lobby').refuse({ status: 404 })
      await expect(lobby.ready()).rejects.toMatchObject({ kind: 'topic', status: 404 })
      topic('lobby').live()
      expect(heard).toEqual(['ready', 'server', 'log-lost', ['topic', 'lobby', 404], 'rejoined'])
    })

    it('refuses names as connect() does, and leaves all with the stream', async () => {
      const { stream } = createTestStream()
      expect(() => stream.topic('*')).toThrow(TypeError)
      const handle = stream.topic('lobby')
      stream.close()
      expect(handle.status.state).toBe('left')
      await expect(handle.ready()).rejects.toMatchObject({ kind: 'worker' })
    })

    it('a topic that is joined anew in a later task waits for the server again', async () => {
      const { stream, topic } = createTestStream()
      stream.topic('lobby').leave()
      await settle()
      const first = stream.topic('lobby')
      topic('lobby').live()
      first.leave()
      const second = stream.topic('lobby')
      expect(second.status.state).toBe('live')
      second.leave()
      await settle()
      expect(stream.topic('lobby').status.state).toBe('joining')
    })
  })
})
