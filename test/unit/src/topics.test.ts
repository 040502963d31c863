import { beforeEach, describe, expect, it } from 'vitest'
import { createOpenIterators } from '../../../src/delivery/open-iterators.ts'
import { createPayloads } from '../../../src/delivery/payloads.ts'
import { idleStatus } from '../../../src/idle-status.ts'
import { StreamError } from '../../../src/index.ts'
import type { LogMethods } from '../../../src/log-methods.ts'
import type { Control } from '../../../src/shared/control.ts'
import { localError } from '../../../src/shared/local-error.ts'
import type { ErrorData, Status } from '../../../src/shared/status.ts'
import { createTopics, type TopicHandle, type Topics } from '../../../src/topics.ts'

const LIVE: Control = { is: 'live', confirmed: true }
const LEFT: Control = { is: 'left' }
const refusal = (kind: 'topic' | 'limit' = 'topic'): Control => ({
  is: 'refused',
  error: { ...localError(kind, 'Refused.', 'open'), topic: 'a' },
})
const event = (type: string, data: unknown, topic = 'a') => ({
  seq: 1,
  id: '1',
  hasOwnId: true,
  type,
  data: JSON.stringify(data),
  at: 0,
  topic,
})
const controlled = (control: Control, topic = 'a') => ({ ...event('', control, topic), hasOwnId: false })

/** What a handle has of the log is tested in test/unit/src/state/. */
const NO_LOG = {} as Omit<LogMethods, 'on'>

describe('the topics of a tab', () => {
  let topics: Topics
  let refused: ErrorData[]
  let changes: number
  let taken: { settle: () => void }[]
  let status: Status
  let onStatus: Set<() => void>

  beforeEach(() => {
    refused = []
    changes = 0
    taken = []
    status = { ...idleStatus(0), state: 'open' }
    onStatus = new Set()
    const full = new Set<Promise<void>>()
    topics = createTopics({
      claim: () => () => {},
      payloads: createPayloads(
        (data) => JSON.parse(data),
        () => {},
      ),
      onFollow: () => void changes++,
      followed: () => new Promise<void>((settle) => taken.push({ settle })),
      methodsOf: (_source, listen) => ({ ...NO_LOG, on: listen }),
      onRefused: (error) => void refused.push(error),
      iterate: (on) => createOpenIterators(on, full),
      status: () => status,
      onStatus: (run) => {
        onStatus.add(run)
        return () => void onStatus.delete(run)
      },
      toError: (data) => new StreamError(data),
    })
  })

  /** A handle, and all that it hears, in order. */
  const hear = (handle: TopicHandle) => {
    const heard: unknown[] = []
    handle.on('*', (payload) => heard.push(payload))
    handle.onReset(({ reason }) => heard.push(`reset ${reason}`))
    handle.onStatus(({ state, confirmed }) => heard.push(confirmed ? `${state} confirmed` : state))
    return heard
  }
  const tell = (control: Control, name = 'a') => topics.tell({ [name]: control })
  const ended = (state: Status['state'], error: ErrorData | null = null) => {
    status = { ...status, state, error }
    for (const run of [...onStatus]) run()
  }

  describe('what the hub is told', () => {
    it('TO6 is each topic that a handle is held of, by name, with the types that are listened to', () => {
      const b = topics.open('b')
      const a = topics.open('a')
      const again = topics.open('a')
      expect(topics.follow()).toEqual({ a: [], b: [] })
      b.on('y', () => {})
      const off = b.on('x', () => {})
      a.on('*', () => {})
      expect(JSON.stringify(topics.follow())).toBe('{"a":"*","b":["x","y"]}')
      off()
      a.leave()
      expect(topics.follow()).toEqual({ a: [], b: ['y'] })
      again.leave()
      expect(topics.follow()).toEqual({ b: ['y'] })
    })

    it('has any name as one of its own', () => {
      topics.open('__proto__')
      expect(Object.entries(topics.follow())).toEqual([['__proto__', []]])
    })

    it('TO6 join, leave, join before it is told is the same topic, in the state that it had', () => {
      topics.open('a')
      tell(LIVE)
      topics.told()
      for (const handle of [topics.open('a'), topics.open('a')]) handle.leave()
      const last = topics.open('a')
      topics.told()
      expect(last.status.state).toBe('live')
    })

    it('a topic that is joined after the hub was told of its leave is another one', () => {
      const first = topics.open('a')
      tell(LIVE)
      first.leave()
      topics.told()
      const second = topics.open('a')
      const heard = hear(second)
      expect(second.status.state).toBe('joining')
      topics.dispatch('a', event('x', 'from before it is live again'))
      tell(LIVE)
      expect(heard).toEqual(['live confirmed'])
    })

    it('is asked for with each change, and not for what changes nothing', () => {
      const handle = topics.open('a')
      const off = handle.on('x', () => {})
      expect(changes).toBe(2)
      off()
      off()
      expect(changes).toBe(3)
      handle.leave()
      handle.leave()
      expect(changes).toBe(4)
    })
  })

  describe('what handles hear', () => {
    it('is what has their topic, from live on, in order', () => {
      const a = hear(topics.open('a'))
      const b = hear(topics.open('b'))
      topics.dispatch('a', event('x', 0))
      topics.dispatch('a', controlled(LIVE))
      topics.dispatch('a', event('x', 1))
      topics.dispatch('b', event('x', 2, 'b'))
      topics.dispatch('c', event('x', 3, 'c'))
      topics.dispatch('a', event('x', 4))
      expect(a).toEqual(['live confirmed', 1, 4])
      expect(b).toEqual([])
    })

    it('TO2 is a reset before anything newer where the topic was live, left, and is live again', () => {
      const heard = hear(topics.open('a'))
      tell(LIVE)
      topics.dispatch('a', event('x', 1))
      topics.dispatch('a', controlled(LEFT))
      topics.dispatch('a', event('x', 'not known to be all'))
      topics.dispatch('a', controlled(LEFT))
      topics.dispatch('a', controlled(LIVE))
      topics.dispatch('a', event('x', 2))
      expect(heard).toEqual(['live confirmed', 1, 'joining', 'reset rejoined', 'live confirmed', 2])
    })

    it('TO4 is a refusal once, which ends the topic alone, and a reset when the server takes it again', () => {
      const a = topics.open('a')
      const heard = hear(a)
      const b = hear(topics.open('b'))
      topics.tell({ a: LIVE, b: LIVE })
      topics.dispatch('a', controlled(refusal()))
      tell(refusal())
      topics.dispatch('a', event('x', 1))
      topics.dispatch('b', event('x', 2, 'b'))
      expect(a.status).toMatchObject({ state: 'refused', confirmed: false, error: { kind: 'topic' } })
      expect(refused).toHaveLength(1)
      tell(LIVE)
      expect(heard).toEqual(['live confirmed', 'refused', 'refused', 'reset rejoined', 'live confirmed'])
      expect(a.status.error).toBeNull()
      expect(b).toEqual(['live confirmed', 2])
    })

    it('a topic that was never live begins without a reset, whatever it was before', () => {
      const heard = hear(topics.open('a'))
      tell(LEFT)
      tell(refusal())
      topics.reset('server')
      tell({ is: 'live', confirmed: false })
      tell({ is: 'live', confirmed: false })
      tell(LIVE)
      expect(heard).toEqual(['refused', 'live', 'live confirmed'])
    })

    it('TO2 is the reset of the topic alone, and of the whole stream, once', () => {
      const heard = hear(topics.open('a'))
      topics.dispatch('a', controlled({ is: 'reset', reason: 'server' }))
      tell(LIVE)
      topics.dispatch('a', controlled({ is: 'reset', reason: 'server' }))
      topics.reset('position-lost')
      tell(LIVE)
      expect(heard).toEqual(['live confirmed', 'reset server', 'reset position-lost'])
    })

    it('TO2 is a second reset where a whole one left the topic uncovered for a while', () => {
      const heard = hear(topics.open('a'))
      tell(LIVE)
      topics.reset('log-lost')
      tell(LEFT)
      tell(LIVE)
      expect(heard).toEqual([
        'live confirmed',
        'reset log-lost',
        'joining',
        'reset rejoined',
        'live confirmed',
      ])
    })

    it('TO6 is nothing after leave(), also where a listener calls it', () => {
      const first = topics.open('a')
      const second = topics.open('a')
      tell(LIVE)
      const heard = hear(second)
      first.on('x', () => second.leave())
      first.onReset(() => second.leave())
      second.on('x', () => heard.push('heard'))
      const early = second.on('x', () => {})
      topics.dispatch('a', event('x', 1))
      expect(heard).toEqual(['left'])
      topics.dispatch('a', event('x', 2))
      topics.reset('server')
      tell(LEFT)
      early()
      second.on('x', () => heard.push('late'))
      topics.dispatch('a', event('x', 3))
      expect(heard).toEqual(['left'])
      expect(second.status).toEqual({ state: 'left', confirmed: false, error: null })
      expect(first.status.state).toBe('joining')
    })

    it('TO6 a signal, `using` and the end of the stream leave as leave() does', async () => {
      const abort = new AbortController()
      const handles = [topics.open('a', abort.signal), topics.open('a'), topics.open('a')]
      const iterator = handles[0]!.events('x')
      abort.abort()
      handles[1]![Symbol.dispose]()
      expect(handles.map(({ status }) => status.state)).toEqual(['left', 'left', 'joining'])
      expect((await iterator.next()).done).toBe(true)
      topics.close()
      expect(handles[2]!.status.state).toBe('left')
      expect(topics.open('b').status.state).toBe('left')
      expect(topics.open('b', abort.signal).status.state).toBe('left')
      expect(topics.follow()).toEqual({})
    })

    it('parses an event once for all handles, and iterates', async () => {
      const first = topics.open('a')
      const second = topics.open('a')
      tell(LIVE)
      const iterator = first.events('x')
      const heard = hear(second)
      topics.dispatch('a', event('x', { n: 1 }))
      const { value } = await iterator.next()
      expect(value).toMatchObject({ type: 'x', payload: { n: 1 } })
      expect(value!.payload).toBe(heard[0])
    })
  })

  describe('ready()', () => {
    /** What became of it by now. */
    const watch = (promise: Promise<void>) => {
      const seen = { is: 'waiting' as unknown }
      promise.then(
        () => {
          seen.is = 'ready'
        },
        (error) => {
          seen.is = error
        },
      )
      return seen
    }
    const turn = () => new Promise((resolve) => setTimeout(resolve))

    it('TO3 resolves once the topic is live, and the hub has taken what this handle listens to', async () => {
      const seen = watch(topics.open('a').ready())
      await turn()
      expect([seen.is, taken.length]).toEqual(['waiting', 0])
      tell(LIVE)
      await turn()
      expect([seen.is, taken.length]).toEqual(['waiting', 1])
      taken[0]!.settle()
      await turn()
      expect(seen.is).toBe('ready')
    })

    it('TO4 rejects with the refusal, with a leave, and with the end of the stream', async () => {
      const handle = topics.open('a')
      const seen = watch(handle.ready())
      tell(refusal('limit'))
      const left = topics.open('b')
      const leaving = watch(left.ready())
      left.leave()
      const waiting = watch(topics.open('c').ready())
      ended('waiting')
      await turn()
      expect(seen.is).toMatchObject({ kind: 'limit', topic: 'a' })
      expect(seen.is).toBeInstanceOf(StreamError)
      expect(leaving.is).toMatchObject({ kind: 'worker', message: expect.stringContaining('left') })
      expect(waiting.is).toBe('waiting')
      ended('failed', { ...localError('http', 'Forbidden.', 'failed'), status: 403 })
      await turn()
      expect(waiting.is).toMatchObject({ kind: 'http', status: 403 })
      expect(onStatus.size).toBe(0)
    })

    it('rejects with the reason of its signal', async () => {
      const abort = new AbortController()
      const seen = watch(topics.open('a').ready({ signal: abort.signal }))
      abort.abort('enough')
      await turn()
      expect(seen.is).toBe('enough')
    })
  })
})
