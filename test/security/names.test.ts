import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHub, type TestHub } from '../unit/harness/hub.ts'
import { openPage, type Page } from '../unit/harness/page.ts'
import { until } from '../unit/harness/turns.ts'

describe('A1 the names of workers, locks and databases, which stand on the disk and in developer tools', () => {
  let test: TestHub
  let page: Page
  const requested: string[] = []

  beforeEach(() => {
    test = openHub()
    page = openPage(test.platform.locks)
    requested.length = 0
    const { request } = test.platform.locks
    test.platform.locks.request = ((name: string, ...rest: [never]) => {
      requested.push(name)
      return request(name, ...rest)
    }) as typeof request
  })
  afterEach(async () => {
    page.close()
    await test.close()
  })

  it.each(['a token', 'a cookie'])(
    'hold no query and no value of a header, nor does inspect(), where the exchange gives %s',
    async (mode) => {
      const exchange = 'https://app.test/token?invite=very-secret'
      test.platform.server.handle((request) => {
        const expires_at = test.platform.now() / 1_000 + 600
        if (request.url !== exchange) return void request.stream()
        request.json(mode === 'a cookie' ? { expires_at } : { sse_token: 't', expires_at })
      })
      const stream = page.connect('/stream?invite=very-secret', {
        user: 'ann',
        headers: { 'x-invite': 'very-secret' },
        auth: { getAccessToken: () => 'access', exchange },
        worker: { shared: page.factory(test.connect) },
      })
      await until(() => stream.status.state === 'open')
      const names = [
        ...requested,
        ...page.workers.map(({ name }) => name),
        ...(await indexedDB.databases()).map(({ name }) => name),
      ]
      expect(names.filter((name) => name?.includes('@https://app.test/stream#')).length).toBeGreaterThan(2)
      expect(names.some((name) => name?.includes('https://app.test/token'))).toBe(true)
      expect(JSON.stringify([names, await stream.inspect()])).not.toContain('very-secret')
    },
  )
})
