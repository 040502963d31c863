import { expose, wrap } from 'comlink'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectOptions } from '../../../src/index.ts'
import type { Control } from '../../../src/shared/control.ts'
import type { Follow, LoggedEvent, ResetReason } from '../../../src/shared/events.ts'
import { localError } from '../../../src/shared/local-error.ts'
import { hubLock } from '../../../src/shared/names.ts'
import { pack } from '../../../src/shared/packed-events.ts'
import type { Hello, TabApi } from '../../../src/shared/protocol.ts'
import { openPage, type Page } from '../harness/page.ts'
import { settle, until } from '../harness/turns.ts'

const LINEAGE = { term: 1, leaders: [], committedUpTo: 0, lastEventId: null, streamClient: 'client' }
const LIVE: Control = { is: 'live', confirmed: true }
const REFUSED: Control = {
  is: 'refused',
  error: { ...localError('topic', 'Not yours.', 'open'), status: 403, topic: 'a' },
}

/** The other end of a page's port: what it was told to follow, and what it delivers. */
const openFakeHub = (page: Page, incarnation = 'one') => {
  const { port1, port2 } = new MessageChannel()
  const tab = wrap<TabApi>(port1)
  const told: Follow[] = []
  const release = page.locks.hold(hubLock(incarnation))
  let seq = 0
  let batches = 0
  let isSlow = false
  let answer = () => {}
  const hellos: Hello[] = []
  expose(
    {
      attach(hello: Hello) {
        hellos.push(hello)
        told.push(hello.follow)
        const cursor = hello.cursor ?? { epoch: 'e', seq: 0 }
        const status = { state: 'open' }
        return { ok: true, incarnation, cursor, lineage: LINEAGE, locks: true, status, differing: [] }
      },
      ping: () => ({ incarnation, attached: true }),
      follow(follow: Follow) {
        told.push(follow)
        if (!isSlow) return
        return new Promise<void>((resolve) => {
          answer = resolve
        })
      },
    },
    port1,
  )
  return {
    port: port2,
    told,
    hellos,
    /** Takes its time with what it is told to follow, until `answer` is called. */
    slow() {
      isSlow = true
    },
    answer: () => answer(),
    /** @param entries topic (`null`: none), and the data of an event of the type `note`, or a control */
    deliver: (
      entries: [topic: string | null, what: number | Control][],
      {
        reset = null,
        topics = null,
      }: { reset?: ResetReason | null; topics?: Record<string, Control> | null } = {},
    ) => {
      const events = entries.map(([topic, what]): LoggedEvent => {
        seq++
        const isEvent = typeof what === 'number'
        const type = isEvent ? 'note' : ''
        return { seq, id: `${seq}`, hasOwnId: isEvent, type, data: JSON.stringify(what), at: 1, topic }
      })
      const batch = {
        ...LINEAGE,
        epoch: 'e',
        rewind: null,
        to: seq,
        leaders: null,
        lastEventId: `${seq}`,
        reset,
        topics,
        events: pack(events),
      }
      return tab.deliver(batch, ++batches, false)
    },
    die() {
      release()
      port1.close()
    },
    close: () => port1.close(),
  }
}

describe('the topics of connect()', () => {
  let page: Page
  let hub: ReturnType<typeof openFakeHub>

  beforeEach(() => {
    page = openPage()
    hub = openFakeHub(page)
  })
  afterEach(() => {
    page.close()
    hub.close()
    vi.restoreAllMocks()
  })

  const connect = (options: Partial<ConnectOptions> = {}, ports = () => hub.port) =>
    page.connect<Record<string, number>>('/stream', {
      user: 'ann',
      topics: {},
      worker: { shared: page.factory(ports) },
      ...options,
    })
  const open = async (options: Partial<ConnectOptions> = {}) => {
    const stream = connect(options)
    await until(() => stream.status.state === 'open')
    return stream
  }

  it('refuses a name at once, and any where the option is not set', () => {
    expect(() => connect({ topics: { separator: ';' } }).topic('a;b')).toThrow(TypeError)
    const stream = page.connect('/stream', { user: 'ann', worker: { shared: page.factory(() => hub.port) } })
    expect(() => stream.topic('a')).toThrow(/`topics`/)
  })

  it('TO6 tells the hub once a task is over: what was joined before it answered goes with the hello', async () => {
    const stream = connect()
    const first = stream.topic('b')
    first.on('note', () => {})
    stream.topic('a')
    await until(() => stream.status.state === 'open')
    await settle()
    expect(hub.told).toEqual([{ types: [], topics: { a: [], b: ['note'] } }])
    first.leave()
    stream.on('*', () => {})
    await settle()
    expect(hub.told.slice(1)).toEqual([{ types: '*', topics: { a: [] } }])
  })

  it('TO6 join, leave, join in one task sends nothing', async () => {
    const stream = await open()
    const strict = stream.topic('a')
    strict.leave()
    const first = stream.topic('a')
    await settle()
    expect(hub.told.slice(1)).toEqual([{ types: [], topics: { a: [] } }])
    await hub.deliver([['a', LIVE]])
    first.leave()
    stream.topic('b').leave()
    const second = stream.topic('a')
    await settle()
    expect(hub.told).toHaveLength(2)
    expect(second.status.state).toBe('live')
  })

  it('TO6 a leave and a join in two tasks are two messages, and what came in between is not heard', async () => {
    const stream = await open()
    const heard: unknown[] = []
    const first = stream.topic('a')
    await settle()
    await hub.deliver([['a', LIVE]])
    first.leave()
    await settle()
    const second = stream.topic('a')
    second.on('note', (n) => heard.push(n))
    await settle()
    expect(hub.told.slice(1).map(({ topics }) => topics)).toEqual([{ a: [] }, {}, { a: ['note'] }])
    await hub.deliver([['a', 1]])
    await hub.deliver([['a', 2]], { topics: { a: LIVE } })
    expect(heard).toEqual([2])
  })

  it('TO2 a batch is heard as reset, topics, events; a topic by its handles alone', async () => {
    const stream = await open()
    const heard: unknown[] = []
    for (const name of ['a', 'b']) {
      const topic = stream.topic(name)
      topic.on('note', (n) => heard.push(`${name} ${n}`))
      topic.onStatus(({ state }) => heard.push(`${name} ${state}`))
      topic.onReset(({ reason }) => heard.push(`${name} reset ${reason}`))
    }
    stream.on('*', (n) => heard.push(n))
    stream.onReset(({ reason }) => heard.push(`reset ${reason}`))
    await hub.deliver([
      ['a', 1],
      ['a', LIVE],
      ['a', 2],
      [null, 3],
      ['b', 4],
    ])
    await hub.deliver([['b', 5]], { reset: 'log-lost', topics: { a: { is: 'left' }, b: LIVE } })
    await hub.deliver([
      ['a', 6],
      ['a', LIVE],
      ['a', 7],
    ])
    expect(heard).toEqual([
      ...['a live', 'a 2', 3],
      ...['reset log-lost', 'a reset log-lost', 'a joining', 'b live', 'b 5'],
      ...['a reset rejoined', 'a live', 'a 7'],
    ])
    expect(stream.status.lastEventId).toBe('9')
  })

  it('TO4 a refusal is an error of its kind, once, and said in the console where nobody listens', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    const stream = await open()
    const topic = stream.topic('a')
    await hub.deliver([['a', REFUSED]])
    expect(said).toHaveBeenCalledTimes(1)
    const errors: unknown[] = []
    stream.onError(({ kind, topic, status }) => errors.push([kind, topic, status]))
    await hub.deliver([['a', REFUSED]])
    await hub.deliver([
      ['a', LIVE],
      ['a', REFUSED],
      ['b', REFUSED],
    ])
    expect(errors).toEqual([['topic', 'a', 403]])
    expect(topic.status.error?.message).toBe('Not yours.')
    expect(stream.status).toMatchObject({ state: 'open', error: null })
  })

  it('TO3 ready() waits until the hub has taken the types of a second handle', async () => {
    const stream = await open()
    stream.topic('a')
    await settle()
    await hub.deliver([['a', LIVE]])
    const second = stream.topic('a')
    second.on('note', () => {})
    hub.slow()
    let isReady = false
    void second.ready().then(() => {
      isReady = true
    })
    await settle()
    expect(isReady).toBe(false)
    expect(hub.told.at(-1)!.topics).toEqual({ a: ['note'] })
    hub.answer()
    await until(() => isReady)
  })

  it('TO3 ready() goes on at the next hub when its hub dies over it', async () => {
    const next = openFakeHub(page, 'two')
    const ports = [hub.port, next.port]
    const stream = connect({}, () => ports.shift()!)
    await until(() => stream.status.state === 'open')
    const topic = stream.topic('a')
    await settle()
    await hub.deliver([['a', LIVE]])
    hub.slow()
    const ready = topic.ready()
    await settle()
    hub.die()
    await ready
    expect(next.hellos[0]!.follow.topics).toEqual({ a: [] })
    next.close()
  })

  it('D4 a consumer of a topic that is slow holds the acknowledgement back', async () => {
    const stream = await open()
    const iterator = stream.topic('a').events('note')
    await hub.deliver([['a', LIVE]])
    let taken = false
    const many = Array.from({ length: 1_000 }, (_, n): [string, number] => ['a', n])
    void hub.deliver(many).then(() => {
      taken = true
    })
    await settle()
    expect(taken).toBe(false)
    for (let n = 0; n <= 500; n++) expect((await iterator.next()).value?.payload).toBe(n)
    await until(() => taken)
  })

  it('close() leaves all of them', async () => {
    const stream = await open()
    const topic = stream.topic('a')
    const ready = topic.ready()
    stream.close()
    await expect(ready).rejects.toMatchObject({ kind: 'worker' })
    expect(topic.status.state).toBe('left')
    expect(stream.topic('a').status.state).toBe('left')
  })
})
