import { beforeEach, describe, expect, it } from 'vitest'
import { createEventIterator } from '../../../../src/delivery/event-iterator.ts'
import { settle } from '../../harness/turns.ts'

describe('iterating over what is pushed', () => {
  let push: (value: number) => Promise<void> | undefined
  let end: () => void
  let stopped: number

  beforeEach(() => {
    stopped = 0
  })

  const start = (signal?: AbortSignal) =>
    createEventIterator<number>((give, finish) => {
      push = give
      end = finish
      return () => {
        stopped++
      }
    }, signal)

  it('gives all in order, what came before the consumer included', async () => {
    const iterator = start()
    push(1)
    push(2)
    expect(await iterator.next()).toEqual({ done: false, value: 1 })
    expect(await iterator.next()).toEqual({ done: false, value: 2 })
    const next = iterator.next()
    push(3)
    expect(await next).toEqual({ done: false, value: 3 })
  })

  it('ends with `break`, and stops the source once', async () => {
    const iterator = start()
    push(1)
    push(2)
    for await (const value of iterator) if (value === 1) break
    expect(stopped).toBe(1)
    expect(push(3)).toBeUndefined()
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    end()
    expect(stopped).toBe(1)
  })

  it('ends with an error in the loop', async () => {
    push = () => undefined
    const iterator = start()
    push(1)
    const loop = async () => {
      for await (const value of iterator) throw new Error(`at ${value}`)
    }
    await expect(loop()).rejects.toThrow('at 1')
    expect(stopped).toBe(1)
  })

  it('ends with `signal`, without an error, a consumer that waits included', async () => {
    const abort = new AbortController()
    const iterator = start(abort.signal)
    const next = iterator.next()
    abort.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(stopped).toBe(1)
  })

  it('ends at once with a signal that is aborted already', async () => {
    const iterator = start(AbortSignal.abort())
    expect(stopped).toBe(1)
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('ends with its source, after what was pushed before', async () => {
    const iterator = start()
    push(1)
    end()
    expect(await iterator.next()).toEqual({ done: false, value: 1 })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('leaves no listener on the signal', async () => {
    const abort = new AbortController()
    const iterator = start(abort.signal)
    await iterator.return!()
    abort.abort()
    expect(stopped).toBe(1)
  })

  it('gives each of several who wait its own value, and ends all of them', async () => {
    const iterator = start()
    const two = Promise.all([iterator.next(), iterator.next()])
    push(1)
    push(2)
    await settle()
    expect(await Promise.race([two, Promise.resolve('hangs')])).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
    ])
    const waiting = Promise.all([iterator.next(), iterator.next()])
    end()
    await settle()
    expect(await Promise.race([waiting, Promise.resolve('hangs')])).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })

  it('holds its source up at 1,000 values, until half of them are taken', async () => {
    const iterator = start()
    for (let value = 1; value < 1_000; value++) expect(push(value)).toBeUndefined()
    let room = false
    const full = push(1_000)
    void full!.then(() => {
      room = true
    })
    for (let value = 1; value <= 500; value++) await iterator.next()
    await settle()
    expect(room).toBe(false)
    await iterator.next()
    await settle()
    expect(room).toBe(true)
    expect(push(1_001)).toBeUndefined()
  })

  it('holds it up again, and lets it go when it ends', async () => {
    const iterator = start()
    for (let round = 0; round < 2; round++) {
      let full: Promise<void> | undefined
      while (full === undefined) full = push(0)
      let room = false
      void full.then(() => {
        room = true
      })
      await settle()
      expect(room).toBe(false)
      if (round === 0) for (let taken = 0; taken < 501; taken++) await iterator.next()
      else await iterator.return!()
      await settle()
      expect(room).toBe(true)
    }
  })
})
