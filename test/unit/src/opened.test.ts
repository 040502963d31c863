import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StreamError } from '../../../src/index.ts'
import { countingClients } from '../harness/counting.ts'
import { openHub, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { settle, until } from '../harness/turns.ts'

describe('D5 opened()', () => {
  let test: TestHub
  let page: Page

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
    vi.spyOn(console, 'error').mockImplementation(() => {})
    vi.spyOn(console, 'warn').mockImplementation(() => {})
  })
  afterEach(async () => {
    page.close()
    vi.restoreAllMocks()
    await test.close()
  })

  const { connect, open } = countingClients(() => ({ test, page }))

  it('resolves once the stream is open, not before', async () => {
    const stream = connect()
    let opened = false
    const waiting = stream.opened().then(() => {
      opened = true
    })
    const request = await test.platform.server.next()
    await settle()
    expect(opened).toBe(false)
    request.stream()
    await waiting
    expect(stream.status.state).toBe('open')
  })

  it('resolves at once where the stream is open already', async () => {
    const { stream } = await open()
    await stream.opened()
  })

  it('waits over errors that are retried', async () => {
    const stream = connect()
    const waiting = stream.opened()
    ;(await test.platform.server.next()).answer(503)
    await until(() => stream.status.state === 'waiting')
    await test.platform.advance(30_000)
    ;(await test.platform.server.next()).stream()
    await waiting
  })

  it('rejects with the StreamError of a state that is final', async () => {
    const stream = connect()
    const waiting = stream.opened()
    ;(await test.platform.server.next()).answer(403)
    await expect(waiting).rejects.toBeInstanceOf(StreamError)
    await expect(waiting).rejects.toMatchObject({ state: 'failed', status: 403 })
    await expect(stream.opened()).rejects.toMatchObject({ status: 403 })
  })

  it('rejects once the stream is closed', async () => {
    const stream = connect()
    const waiting = stream.opened()
    stream.close()
    await expect(waiting).rejects.toMatchObject({ name: 'StreamError', state: 'closed' })
  })

  it('rejects with the reason of its signal, before or while it waits', async () => {
    const stream = connect()
    await expect(stream.opened({ signal: AbortSignal.abort('too early') })).rejects.toBe('too early')
    const abort = new AbortController()
    const waiting = stream.opened({ signal: abort.signal })
    abort.abort(new Error('the page has moved on'))
    await expect(waiting).rejects.toThrow('the page has moved on')
  })
})
