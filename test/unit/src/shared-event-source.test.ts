import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SharedEventSource, type SharedEventSourceInit } from '../../../src/shared-event-source.ts'
import { openHub, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

describe('E1 SharedEventSource', () => {
  let test: TestHub
  let page: Page
  const sources: SharedEventSource[] = []

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
    vi.spyOn(console, 'warn').mockImplementation(() => {})
  })
  afterEach(async () => {
    for (const source of sources.splice(0)) source.close()
    page.close()
    vi.restoreAllMocks()
    await test.close()
  })

  const open = (init: Partial<SharedEventSourceInit> & { user: string | null }) => {
    const source = new SharedEventSource('/stream', {
      worker: { shared: page.factory(test.connect) },
      ...init,
    })
    sources.push(source)
    return source
  }

  it('A3 without `user` it is a TypeError that says what to give: the next user must not hear the one before', () => {
    for (const init of [undefined, null, {}, { withCredentials: true }])
      expect(() => new SharedEventSource('/stream', init as never)).toThrow(/`user` must be.*`null`/)
  })

  it.each(['ann', null])('hears messages as text, for the user %j', async (user) => {
    const source = open({ user })
    const heard: string[] = []
    source.onmessage = ({ data }) => heard.push(data)
    const body = (await test.platform.server.next()).stream()
    await until(() => source.readyState === SharedEventSource.OPEN)
    await settle()
    body.push(sse('1', 'no {JSON', 'message'))
    await until(() => heard.length === 1)
    expect(heard).toEqual(['no {JSON'])
  })

  it('A4 signOut() closes it and those of other tabs, and nothing is heard from the call on', async () => {
    const [one, two] = [open({ user: 'ann' }), open({ user: 'ann' })]
    const heard: string[] = []
    one.onmessage = ({ data }) => heard.push(data)
    const request = await test.platform.server.next()
    const body = request.stream()
    await until(() => [one, two].every((source) => source.readyState === SharedEventSource.OPEN))
    const over = one.signOut()
    body.push(sse('1', 'late', 'message'))
    expect(one.readyState).toBe(SharedEventSource.CLOSED)
    let isOver = false
    void over.then(() => {
      isOver = true
    })
    while (!isOver) await test.platform.advance(50)
    await until(() => two.readyState === SharedEventSource.CLOSED)
    expect([request.aborted(), heard]).toEqual([true, []])
  })
})
