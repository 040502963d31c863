import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ServerOptions, startServer } from '../../demo/server/app.ts'
import { startProxy } from './proxy.ts'
import { range } from './tab.ts'

export type BackendOptions = Partial<Omit<ServerOptions, 'dataDir'>>

/** What `GET /debug/requests` tells of a request for a stream or a token. */
export interface LoggedRequest {
  method: string
  url: string
  credential: 'header' | 'cookie' | 'none'
  lastEventId: string | null
  client: string | null
  status: number | null
}

const staticDir = fileURLToPath(new URL('./app/dist', import.meta.url))
const type = 'task.progress_updated'

/**
 * The reference server in this process, with the proxy in front of it: browsers use `url`, the test asks
 * and publishes behind the proxy's back, so that a fault there never hits the test itself.
 */
export const startBackend = async (options: BackendOptions = {}) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tabstream-'))
  const settings = { debug: true, staticDir, users: { ada: 'ada', bob: 'bob' }, ...options, dataDir }
  let server = await startServer(settings)
  let up = true
  const proxy = await startProxy({ target: server.port })
  const published = new Map<string, number>()

  const debug = async (path: string, body?: unknown) => {
    const post = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }
    const response = await fetch(`${server.url}/debug/${path}`, body === undefined ? {} : post)
    if (!response.ok) throw new Error(`/debug/${path} answers ${response.status}`)
    return response.json()
  }

  const stop = async () => {
    if (up) await server.close()
    up = false
  }

  const start = async () => {
    server = await startServer({ ...settings, port: server.port })
    up = true
  }

  return {
    url: proxy.url,
    proxy,
    /** Publishes the next so many numbered events for a user. */
    publish: async (count = 1, user = 'ada') => {
      const first = (published.get(user) ?? 0) + 1
      const last = first + count - 1
      published.set(user, last)
      await server.publish(
        user,
        range(first, last).map((n) => ({
          type,
          data: { n, id: `task-${n}`, label: 'Test', percent: n % 101 },
        })),
      )
      return last
    },
    /** The oracle: every number published for a user so far. */
    published: (user = 'ada') => range(1, published.get(user) ?? 0),
    /** The server's own count of streams, now and at the peak since it started. */
    connections: () => server.connections(),
    streams: (user = 'ada') => server.connections().users[user] ?? 0,
    peak: (user = 'ada') => server.connections().peak.users[user] ?? 0,
    requests: async (path: string): Promise<LoggedRequest[]> => {
      const { requests } = (await debug('requests')) as { requests: LoggedRequest[] }
      return requests.filter(({ url }) => url.split('?')[0] === path)
    },
    /** Cuts every stream: now, or in the middle of the next event that it writes. */
    drop: (options: { midEvent?: boolean } = {}): Promise<{ dropped: number }> => debug('drop', options),
    resetCounters: () => debug('reset-counters', {}),
    stop,
    /** The same port and data again. */
    start,
    restart: async () => {
      await stop()
      await start()
    },
    close: async () => {
      await proxy.close()
      await stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export type Backend = Awaited<ReturnType<typeof startBackend>>
