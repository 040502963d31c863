import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/errors.ts'
import { localError } from '../../../src/shared/local-error.ts'
import type { ErrorData } from '../../../src/shared/status.ts'

const data: ErrorData = {
  kind: 'limit',
  message: 'The limit is reached.',
  retryable: true,
  state: 'waiting',
  attempt: 3,
  status: 429,
  lastEventId: '41',
  at: 1_000,
  cause: null,
  topic: null,
}

describe('a StreamError', () => {
  it('carries what crossed the port', () => {
    const error = new StreamError(structuredClone(data))
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('StreamError')
    expect(error.stack).toContain('StreamError')
    expect({ ...error, message: error.message }).toMatchObject(data)
    expect(error.kind === 'limit' && error.status).toBe(429)
  })

  it('has the platform’s own words as its cause, or what was thrown in the page', () => {
    expect(new StreamError({ ...data, cause: 'no route' }).cause).toBe('no route')
    const thrown = new SyntaxError('not JSON')
    expect(new StreamError(data, thrown).cause).toBe(thrown)
    expect(new StreamError(data).cause).toBeNull()
  })

  it('of the page itself has no attempt, no position and no status', () => {
    expect(localError('validation', 'Not JSON.', 'open', true)).toMatchObject({
      kind: 'validation',
      retryable: true,
      state: 'open',
      attempt: 0,
      status: null,
      lastEventId: '',
      cause: null,
      topic: null,
    })
    expect(localError('worker', 'x', 'failed').retryable).toBe(false)
  })
})
