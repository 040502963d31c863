import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ServerOptions, startServer } from '../../demo/server/app.ts'
import { auditFile } from '../../demo/server/audit/audit-files.ts'
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
const serverProcess = fileURLToPath(new URL('./server-process.ts', import.meta.url))
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
  /** Of the servers before this one. */
  let past = { peaks: {} as Record<string, number>, replaced: 0 }
  /** Publications under way: one that a stop cut off would leave nobody knowing whether it counts. */
  const pending = new Set<Promise<unknown>>()
  let running = Promise.resolve()
  let resume = () => {}

  const askDebug = async (path: string, body?: unknown) => {
    const post = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }
    const response = await fetch(`${server.url}/debug/${path}`, body === undefined ? {} : post)
    if (!response.ok) throw new Error(`/debug/${path} answers ${response.status}`)
    return response.json()
  }

  const peakOf = (user: string) => Math.max(past.peaks[user] ?? 0, server.connections().peak.users[user] ?? 0)

  const stop = async () => {
    if (!up) return
    up = false
    running = new Promise((done) => {
      resume = done
    })
    await Promise.all(pending)
    const users = Object.keys(server.connections().peak.users)
    past = {
      peaks: { ...past.peaks, ...Object.fromEntries(users.map((user) => [user, peakOf(user)])) },
      replaced: past.replaced + server.connections().replaced,
    }
    await server.close()
  }

  const start = async () => {
    server = await startServer({ ...settings, port: server.port })
    up = true
    resume()
  }

  /** The next so many events for a user. */
  const number = (count: number, user: string) => {
    const first = (published.get(user) ?? 0) + 1
    const last = first + count - 1
    published.set(user, last)
    return range(first, last).map((n) => ({
      type,
      data: { n, id: `task-${n}`, label: 'Test', percent: n % 101 },
    }))
  }

  return {
    url: proxy.url,
    /** Port of the server behind the proxy. */
    port: () => server.port,
    proxy,
    /** Publishes the next so many numbered events for a user. */
    publish: async (count = 1, user = 'ada') => {
      const events = number(count, user)
      // While the server is away it waits: what counts as published must be in the store.
      while (!up) await running
      const stored = server.publish(user, events)
      pending.add(stored)
      await stored.finally(() => pending.delete(stored))
      return events.at(-1)!.data.n
    },
    /** A call of the server's debug interface: `backend.publish` counts what that publishes no more. */
    debug: askDebug,
    /** The oracle: every number published for a user so far. */
    published: (user = 'ada') => range(1, published.get(user) ?? 0),
    /** The server's own count of streams, now and at the peak since it started. */
    connections: () => server.connections(),
    streams: (user = 'ada') => server.connections().users[user] ?? 0,
    /** The most streams of a user at once, over restarts. */
    peak: (user = 'ada') => peakOf(user),
    /** Streams that a browser opened before it had closed its old one (S1), over restarts. */
    replaced: () => past.replaced + server.connections().replaced,
    /** The last streams that were opened and ended, when and why, as the server's audit log tells. */
    streamHistory: async (): Promise<string> => {
      const lines = (await readFile(auditFile(dataDir), 'utf8')).trimEnd().split('\n')
      return lines.slice(-16).join('\n')
    },
    requests: async (path: string): Promise<LoggedRequest[]> => {
      const { requests } = (await askDebug('requests')) as { requests: LoggedRequest[] }
      return requests.filter(({ url }) => url.split('?')[0] === path)
    },
    /** Cuts every stream: now, or in the middle of the next event that it writes. */
    drop: (options: { midEvent?: boolean } = {}): Promise<{ dropped: number }> => askDebug('drop', options),
    resetCounters: () => askDebug('reset-counters', {}),
    stop,
    /** The same port and data again. */
    start,
    restart: async () => {
      await stop()
      await start()
    },
    /** Loses the server's history: another store, hence another epoch. */
    wipe: async () => {
      await stop()
      for (const file of ['events.lmdb', 'events.lmdb-lock'])
        await rm(join(dataDir, file), { recursive: true, force: true })
      await start()
    },
    /**
     * Moves the server into a process of its own, publishes there once a stream is open, kills the process
     * (SIGKILL), and starts it anew in this one.
     */
    kill: async (count: number, user = 'ada') => {
      await stop()
      const { staticDir, debug, users, pingInterval, streamsPerUser } = { streamsPerUser: 2, ...settings }
      const own = { staticDir, debug, users, pingInterval, streamsPerUser, dataDir, port: server.port }
      const child = spawn(process.execPath, ['--import', 'tsx', serverProcess, JSON.stringify(own)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const gone = once(child, 'exit')
      try {
        await once(child.stdout, 'data')
        for (let streams = 0; streams === 0; ) {
          const connections = (await askDebug('connections')) as { total: number; replaced: number }
          streams = connections.total
          past.replaced += streams === 0 ? 0 : connections.replaced
        }
        await askDebug('publish', { user, events: number(count, user) })
      } finally {
        child.kill('SIGKILL')
        await gone
        await start()
      }
    },
    close: async () => {
      await proxy.close()
      await stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export type Backend = Awaited<ReturnType<typeof startBackend>>
