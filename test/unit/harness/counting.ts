import type { ConnectOptions, Stream } from '../../../src/index.ts'
import { tabLock } from '../../../src/shared/names.ts'
import type { TestHub } from './hub.ts'
import type { Page } from './page.ts'
import { settle, until } from './turns.ts'

type Events = { count: number }

/**
 * Clients that listen to `count`.
 *
 * @param at the page and the hub of the test under way, asked each time
 */
export const countingClients = (at: () => { test: TestHub; page: Page }) => {
  const connect = (
    options: Partial<ConnectOptions> = {},
    port: () => MessagePort = () => at().test.connect(),
  ): Stream<Events> => {
    const { page } = at()
    return page.connect<Events>('/stream', {
      user: 'ann',
      worker: { shared: page.factory(port) },
      ...options,
    })
  }
  return {
    connect,
    async open(options: Partial<ConnectOptions> = {}) {
      const stream = connect(options)
      const heard: number[] = []
      stream.on('count', (count) => heard.push(count))
      const request = await at().test.platform.server.next()
      const body = request.stream()
      await until(() => stream.status.state === 'open')
      await settle()
      return { stream, request, body, heard }
    },
    tabLocks: () =>
      at()
        .page.locks.held()
        .filter((name) => name.startsWith(tabLock(''))),
  }
}
