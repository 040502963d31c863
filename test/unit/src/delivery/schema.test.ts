import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { validating } from '../../../../src/delivery/schema.ts'
import type { StreamError } from '../../../../src/index.ts'
import { createTestStream } from '../../../../src/testing.ts'

describe('D9 schemas', () => {
  it.each([
    ['zod', z.object({ percent: z.number().min(0) })],
    ['valibot', v.object({ percent: v.pipe(v.number(), v.minValue(0)) })],
  ])('%s: what fits is delivered, what does not is error{validation} with its issues', async (_, schema) => {
    const { stream, emit } = createTestStream({ schemas: { progress: schema } })
    const heard: unknown[] = []
    const errors: StreamError[] = []
    stream.on('progress', (payload) => heard.push(payload))
    stream.onError((error) => errors.push(error))
    await emit('progress', { percent: 1 })
    await emit('progress', { percent: -1 })
    await emit('progress', { percent: 2 })
    expect(heard).toEqual([{ percent: 1 }, { percent: 2 }])
    expect(errors).toEqual([expect.objectContaining({ kind: 'validation', state: 'open' })])
    expect(errors[0]!.cause).toMatchObject({ issues: [expect.objectContaining({ path: expect.anything() })] })
  })

  const read = validating((data) => JSON.parse(data), {
    count: z.coerce.number(),
    slow: z.number().refine(async () => true),
  })

  it('give listeners what the schema puts out', () => {
    expect(read('"7"', 'count')).toBe(7)
  })

  it('leave types without one alone, whatever they are called', () => {
    expect(read('{"any":1}', 'other')).toEqual({ any: 1 })
    expect(read('1', 'constructor')).toBe(1)
  })

  it('that are asynchronous are refused', () => {
    expect(() => read('1', 'slow')).toThrow(/asynchronous|async/i)
  })
})
