import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ClaimOptions } from '../../../src/claim-options.ts'
import { settingsOf } from '../../../src/claims/settings.ts'
import { createTestStream } from '../../../src/testing.ts'

type Events = { a: number; b: number }

describe('claims of a stream for tests', () => {
  const reported: unknown[] = []
  beforeEach(() => {
    reported.length = 0
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
  })
  afterEach(() => void vi.unstubAllGlobals())

  it('C1 calls a free handler before emit returns, and the next one once it is done', async () => {
    const { stream, emit } = createTestStream<Events>()
    const ran: number[] = []
    let end = () => {}
    const handler = (n: number) => {
      ran.push(n)
      return new Promise<void>((resolve) => {
        end = resolve
      })
    }
    stream.claim('a', handler, { mode: 'at-most-once' })
    stream.claim('a', (n) => ran.push(-n), { mode: 'at-most-once' })
    void emit('a', 1)
    void emit('b', 2)
    void emit('a', 3)
    expect(ran).toEqual([1])
    end()
    await vi.waitFor(() => expect(ran).toEqual([1, 3]))
  })

  it('C3 C6 a rejection is a run, the last one is told, and the next event is handled', async () => {
    const { stream, emit } = createTestStream<Events>()
    const ran: [number, number][] = []
    const errors: string[] = []
    stream.onError(({ kind, topic }) => errors.push(`${kind} ${topic}`))
    stream.claim(
      'a',
      (n, _event, { attempt }) => {
        ran.push([n, attempt])
        if (n === 1) throw new Error('no')
      },
      { mode: 'at-least-once', attempts: 2 },
    )
    void emit('a', 1)
    void emit('a', 2)
    await vi.waitFor(() => expect(ran).toHaveLength(3))
    expect(ran).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
    ])
    expect(errors).toEqual(['claim null'])
    expect(reported).toHaveLength(2)
  })

  it('C4 a claim of the same name goes on, and skips or handles what it has missed', async () => {
    for (const [missed, expected] of [
      ['skip', [1, 3]],
      ['handle', [1, 2, 3]],
    ] as const) {
      const { stream, emit } = createTestStream<Events>()
      const ran: number[] = []
      const claim = () => stream.claim('a', (n) => ran.push(n), { mode: 'at-most-once', missed })
      const off = claim()
      await emit('a', 1)
      off()
      await emit('a', 2)
      claim()
      await emit('a', 3)
      await vi.waitFor(() => expect(ran).toEqual(expected))
    }
  })

  it('C3 signal aborts at the timeout, at off() and at close()', async () => {
    const { stream, emit } = createTestStream<Events>()
    const signals: AbortSignal[] = []
    const hang = (_: number, __: unknown, { signal }: { signal: AbortSignal }) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    const off = stream.claim('a', hang, { mode: 'at-most-once', name: 'one' })
    stream.claim('a', hang, { mode: 'at-most-once', name: 'two', timeout: 1 })
    stream.claim('a', hang, { mode: 'at-most-once', name: 'three' })
    await emit('a', 1)
    await vi.waitFor(() => expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, false]))
    expect(signals[1]!.reason).toMatchObject({ name: 'TimeoutError' })
    off()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false])
    stream.close()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
  })

  it('C1 topic.claim() has the events of its topic, until the handle is left', async () => {
    const { stream, emit } = createTestStream<Events, { room: Events }>()
    const ran: number[] = []
    const room = stream.topic('room')
    room.claim('a', (n) => ran.push(n), { mode: 'at-most-once' })
    await emit('a', 1, { topic: 'room' })
    await emit('a', 2)
    room.leave()
    await emit('a', 3, { topic: 'room' })
    expect(ran).toEqual([1])
  })

  it('refuses a claim without a mode, or with an unknown one, and names the choice', () => {
    const { stream } = createTestStream<Events>()
    for (const options of [undefined, {}, { mode: 'once' }, { mode: 'at-most-once-or-so' }])
      expect(() => stream.claim('a', () => {}, options as unknown as ClaimOptions)).toThrow(
        "mode is 'at-most-once' or 'at-least-once'",
      )
  })

  it('refuses other options that make no claim', () => {
    const mode = 'at-least-once'
    expect(settingsOf({ mode })).toEqual({ mode, timeout: 30_000, attempts: 5, missed: 'handle' })
    expect(settingsOf({ mode: 'at-most-once' }).missed).toBe('skip')
    for (const wrong of [
      { timeout: 0 },
      { timeout: Number.NaN },
      { timeout: 2 ** 31 },
      { attempts: 0 },
      { attempts: 1.5 },
      { missed: 'some' },
      { name: 'x'.repeat(201) },
      { name: 7 },
    ])
      expect(() => settingsOf({ mode, ...wrong } as ClaimOptions), JSON.stringify(wrong)).toThrow(TypeError)
  })
})
