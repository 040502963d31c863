import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countingClients } from '../harness/counting.ts'
import { openHub, type TestHub } from '../harness/hub.ts'
import { openPage, type Page } from '../harness/page.ts'
import { sse } from '../harness/server.ts'
import { settle, until } from '../harness/turns.ts'

describe('D8 errors that no listener hears', () => {
  let test: TestHub
  let page: Page
  let said: [how: string, text: string][]

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
    said = []
    for (const how of ['warn', 'error'] as const)
      vi.spyOn(console, how).mockImplementation((text) => void said.push([how, text]))
  })
  afterEach(async () => {
    page.close()
    vi.restoreAllMocks()
    await test.close()
  })

  const { connect, open } = countingClients(() => ({ test, page }))

  it('that are retried are warned of once a kind, with where to read on', async () => {
    let attempts = 0
    test.platform.server.handle((request) => {
      if (++attempts <= 3) request.answer(503)
      else request.stream()
    })
    const stream = connect()
    while (stream.status.state !== 'open') await test.platform.advance(500)
    expect(attempts).toBe(4)
    expect(said).toEqual([
      ['warn', expect.stringMatching(/^tabstream: .*503.*"http".*docs\/troubleshooting\.md/s)],
    ])
  })

  it('that are final are said each time', async () => {
    const stream = connect()
    for (const times of [1, 2]) {
      ;(await test.platform.server.next()).answer(403)
      await until(() => said.length === times)
      stream.reconnect()
    }
    expect(said.map(([how]) => how)).toEqual(['error', 'error'])
  })

  it('are not said where a listener hears them', async () => {
    const stream = connect()
    const off = stream.onError(() => {})
    ;(await test.platform.server.next()).answer(503)
    await until(() => stream.status.state === 'waiting')
    await settle()
    expect(said).toEqual([])
    off()
  })

  it('A1 do not quote the data that did not parse', async () => {
    const { body } = await open()
    body.push(sse('1', '{very-secret', 'count'))
    await until(() => said.length === 1)
    expect(said[0]![1]).toMatch(/"count"/)
    expect(said[0]![1]).not.toContain('very-secret')
  })
})
