import { expose, wrap } from 'comlink'
import { createTaker } from '../../../src/attachment/taker.ts'
import type { HubOptions } from '../../../src/shared/hub-options.ts'
import { keyOf, tabLock } from '../../../src/shared/names.ts'
import { unpack } from '../../../src/shared/packed-events.ts'
import {
  type Batch,
  type Hello,
  type HubApi,
  PROTOCOL,
  type TabApi,
  type TokenAnswer,
} from '../../../src/shared/protocol.ts'
import type { ErrorData, Status } from '../../../src/shared/status.ts'
import { createHub, type HubDeps } from '../../../worker/hub.ts'
import type { RemoteTab } from '../../../worker/tabs/session.ts'
import { OPTIONS } from './connection.ts'
import { clearIndexedDb } from './log.ts'
import { createFakePlatform, type FakePlatform } from './platform.ts'
import { createProcess } from './process.ts'
import { turn } from './turns.ts'

export interface TestHub {
  platform: FakePlatform
  hub: ReturnType<typeof createHub>
  /** The page's end of a new port, as `worker/index.ts` would have accepted it. */
  connect(): MessagePort
  /** Ports that the hub has let go of. */
  released(): number
  /** Its worker is gone, as in a crash. */
  kill(): void
  /** Nothing in it runs any more, and its locks stay. */
  freeze(): void
  thaw(): Promise<void>
  close(): Promise<void>
}

const soon = (run: () => void) => {
  let cancelled = false
  void turn().then(() => cancelled || run())
  return () => {
    cancelled = true
  }
}

/** A hub behind real ports and comlink; its browser's storage is its own unless `shared` is given. */
export const openHub = (shared?: FakePlatform, over: Partial<HubDeps> = {}): TestHub => {
  if (shared === undefined) clearIndexedDb()
  const world = shared ?? createFakePlatform()
  world.setRandom(0.5)
  const storage = { isBroken: () => false, latency: () => 0 }
  const process = createProcess(world, (_, url, init) => world.server.fetch(url, init), storage)
  const platform = {
    ...process.platform,
    // The next task, without a clock that has to be wound on.
    after: (ms: number, run: () => void) => (ms > 0 ? process.platform.after(ms, run) : soon(run)),
  }
  // Most tests have one hub: the clock need not be wound on before it streams.
  const hub = createHub({
    platform,
    host: 'shared-worker',
    origin: 'https://app.test',
    listenFor: 0,
    ...over,
  })
  const ports: MessagePort[] = []
  let released = 0
  return {
    platform: world,
    hub,
    connect() {
      const { port1, port2 } = new MessageChannel()
      ports.push(port1, port2)
      const release = () => {
        released++
        port1.close()
      }
      expose(hub.accept(wrap<TabApi>(port1) as unknown as RemoteTab, release), port1)
      return port2
    },
    released: () => released,
    kill: process.kill,
    freeze: process.freeze,
    thaw: process.thaw,
    async close() {
      for (const port of ports) port.close()
      await hub.close()
    },
  }
}

export interface TabSetup {
  hello?: Partial<Hello>
  options?: Partial<HubOptions>
  accessToken?: () => TokenAnswer | Promise<TokenAnswer>
  /** Resolves once the tab has taken a batch; at once, if left out. */
  take?: () => Promise<void>
}

let tabs = 0

/** A tab without a page: what the client does, and nothing of its own. */
export const openTab = async (test: TestHub, { hello, options, accessToken, take }: TabSetup = {}) => {
  const tab = `tab-${++tabs}`
  const batches: Batch[] = []
  const statuses: Status[] = []
  const errors: ErrorData[] = []
  let asked = 0
  let signedOut = 0
  let silent = false
  /** A frozen page takes nothing, and answers nothing. */
  const unlessSilent = async () => {
    if (silent) await new Promise(() => {})
  }
  const api: TabApi = {
    deliver: createTaker(
      async (batch) => {
        await unlessSilent()
        batches.push(unpack(batch))
        await take?.()
      },
      { due: async () => {} },
    ),
    async status(status) {
      await unlessSilent()
      statuses.push(status)
    },
    error: (error) => void errors.push(error),
    signOut: () => void signedOut++,
    accessToken: async () => {
      await unlessSilent()
      asked++
      return accessToken === undefined ? { ok: true, token: `token-of-${tab}` } : accessToken()
    },
  }
  const port = test.connect()
  const release = test.platform.locks.hold(tabLock(tab))
  const hub = wrap<HubApi>(port)
  expose(api, port)
  const welcome = await hub.attach({
    protocol: PROTOCOL,
    tab,
    key: await keyOf({ ...OPTIONS, ...options }),
    options: { ...OPTIONS, ...options },
    cursor: null,
    lineage: null,
    from: 'now',
    follow: { types: '*', topics: {} },
    urgent: [],
    since: test.platform.now() + 1,
    visible: true,
    ...hello,
  })
  return {
    tab,
    hub,
    welcome,
    batches,
    statuses,
    errors,
    asked: () => asked,
    signedOut: () => signedOut,
    status: () => statuses.at(-1),
    /** What it was delivered, in order. */
    ids: () => batches.flatMap((batch) => batch.events.map(({ id }) => id)),
    /** Closed, crashed or navigated away: its lock is free. */
    die: release,
    /** From here on; its lock stays. */
    fallSilent() {
      silent = true
    },
  }
}
