import { fileURLToPath } from 'node:url'
import type { BackendOptions } from '../browser/backend.ts'
import { startProxy, type Proxy as TcpProxy } from '../browser/proxy.ts'
import type { BrowserName } from '../browsers.ts'
import { within } from '../within.ts'
import { type NodeProcess, startNodeProcess } from './node-process.ts'
import { type Seat, takeSeat } from './seat.ts'

export const USERS = ['ada', 'bob']
/** Events of a user that the server keeps: far more than are published while a line is down, so that no reset is due. */
export const RETENTION = 1_000
/** Events that a hub keeps. Both are few, so that the logs are full before memory is measured. */
export const LOG_EVENTS = 500

const SEATS: { browser: BrowserName; user: string }[] = [
  { browser: 'chromium', user: 'ada' },
  { browser: 'chromium', user: 'bob' },
  // The second browser of one user, who has no place for a third stream (R6).
  { browser: 'firefox', user: 'ada' },
]
const TABS_EACH = 2

const NODE: BackendOptions = {
  // For its log of requests. The limits that this would lift are those of production again.
  debug: true,
  authPerAddress: 300,
  exchangesPerUser: 10,
  opensPerUser: 120,
  sseTokenLife: 60,
  retention: RETENTION,
}

const staticDir = fileURLToPath(new URL('../browser/app/dist', import.meta.url))

/** ms for the end of one part. */
const CLOSE_LIMIT = 20_000

/** The server, the proxy before it, and the browsers. */
export interface World {
  node: NodeProcess
  proxy: TcpProxy
  seats: Seat[]
  close(): Promise<void>
}

/** What is open when a later part fails is closed. */
export const startWorld = async (): Promise<World> => {
  const parts: { close(): Promise<unknown> }[] = []
  const open = async <T extends { close(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting
    parts.unshift(part)
    return part
  }
  const close = async () => {
    for (const part of parts)
      await within(CLOSE_LIMIT, part.close(), 'the end of a part').catch((error) =>
        console.log(error.message),
      )
  }
  try {
    const users = Object.fromEntries(USERS.map((user) => [user, user]))
    const node = await open(startNodeProcess({ ...NODE, staticDir, users }))
    const proxy = await open(startProxy({ target: node.port }))
    const seats: Seat[] = []
    for (const seat of SEATS)
      seats.push(await open(takeSeat({ ...seat, tabs: TABS_EACH, url: proxy.url, logEvents: LOG_EVENTS })))
    return { node, proxy, seats, close }
  } catch (error) {
    await close()
    throw error
  }
}
