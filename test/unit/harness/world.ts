import { expose, wrap } from 'comlink'
import { vi } from 'vitest'
import type { WorkerFactoryOptions } from '../../../src/attachment/worker-factory.ts'
import type { StreamError } from '../../../src/errors.ts'
import type { ConnectOptions } from '../../../src/options.ts'
import type { From } from '../../../src/shared/events.ts'
import { PROTOCOL, type TabApi } from '../../../src/shared/protocol.ts'
import type { Stream } from '../../../src/stream.ts'
import { createHub } from '../../../worker/hub.ts'
import type { RemoteTab } from '../../../worker/tabs/session.ts'
import { clearIndexedDb } from './log.ts'
import { openPage, type Page } from './page.ts'
import { createFakePlatform, type FakePlatform } from './platform.ts'
import { createFakePorts } from './ports.ts'
import { createProcess, type Process } from './process.ts'
import { createStreamServer, type StreamServer } from './stream-server.ts'
import { settle, turn } from './turns.ts'

/** ms until a user whose stream has failed, since five hubs died within a minute (T2), presses a button. */
const PATIENCE = 1_000

export type Heard = { number: number; id: string; hasOwnId: boolean } | { reset: string }

/** A worker with a hub in it. */
export interface WorldHub extends Process {
  /** The worker's end of a page's port, as `serve()` takes it. */
  accept(onWay: (message: unknown) => unknown): MessagePort
  protocol: number
}

/** What a page listens to from the start. */
export interface Listens {
  types?: string[]
  /** By listeners that do not wait while the page is hidden (H1), beside those of `types`. */
  urgent?: string[]
  visible?: boolean
}

/** A page with the real client, and what its listeners heard. */
export interface WorldTab {
  stream: Stream<Record<string, number>>
  heard: Heard[]
  errors: StreamError[]
  /** It has asked for a worker. The stream's key comes first: a digest, which takes real time. */
  hasWorker(): boolean
  /** It has a hub, which has answered. */
  isAttached(): boolean
  isClosed(): boolean
  /** It listens to another type. */
  listen(type: string): void
  setVisible(visible: boolean): void
  /** All that it knows of where it stands, for the report of a failure. */
  describe(): Promise<string>
  /** The page goes into the cache, and comes back to find this hub. */
  move(to: WorldHub): void
  close(): void
  numbers(): number[]
  resets(): string[]
}

/** One browser: hubs that share locks, channel, IndexedDB and a server; pages that go from one to the next. */
export interface World {
  base: FakePlatform
  server: StreamServer
  /** @param protocol that the hub speaks; its pages are of its version */
  spawnHub(protocol?: number): WorldHub
  /**
   * @param next the worker that runs under the name that the tabs of `gone` derive from it
   * @param listens default: to all types
   */
  openTab(first: WorldHub, from: From, next: (gone: WorldHub) => WorldHub, listens?: Listens): WorldTab
  /** So many events with an id, and what follows from them. */
  publish(count: number): Promise<void>
  /** Whose IndexedDB fails from now on. */
  breakStorage(which: (process: unknown) => boolean): void
  setLatency(turns: () => number): void
  advance(ms: number, turns?: number): Promise<void>
  close(): void
}

/** The page's timers and clocks are the world's: those of one global object, which all pages share. */
const driveTime = (base: FakePlatform) => {
  const cancels = new Map<number, () => void>()
  let timers = 0
  vi.stubGlobal('setTimeout', (run: () => void, ms = 0) => {
    const timer = ++timers
    const fire = () => {
      if (cancels.delete(timer)) run()
    }
    // What is due at once comes in the next task, without a clock that has to be wound on.
    if (ms > 0) cancels.set(timer, base.after(ms, fire))
    else {
      cancels.set(timer, () => {})
      void turn().then(fire)
    }
    return timer
  })
  vi.stubGlobal('clearTimeout', (timer: number) => {
    cancels.get(timer)?.()
    cancels.delete(timer)
  })
  const clocks = [
    vi.spyOn(performance, 'now').mockImplementation(base.now),
    vi.spyOn(Date, 'now').mockImplementation(base.now),
  ]
  return () => {
    for (const clock of clocks) clock.mockRestore()
    vi.unstubAllGlobals()
  }
}

/** A page of another version says so when it attaches; in all else it is as this one's. */
const speaking = (protocol: number) => (message: unknown) => {
  const { path, argumentList: [hello] = [] } = message as {
    path?: string[]
    argumentList?: { value: object }[]
  }
  if (path?.[0] !== 'attach' || hello === undefined) return message
  return {
    ...(message as object),
    argumentList: [{ ...hello, value: { ...hello.value, protocol } }],
  }
}

/** @param fetch of a server of its own. Default: that of `server` */
export const createWorld = (
  seed = 1,
  options: Partial<ConnectOptions> = {},
  fetch?: StreamServer['fetch'],
): World => {
  clearIndexedDb()
  const base = createFakePlatform(seed)
  const stopTime = driveTime(base)
  const server = createStreamServer()
  const pages: Page[] = []
  let broken: (process: unknown) => boolean = () => false
  let latency = () => 0
  const storage = { isBroken: (process: unknown) => broken(process), latency: () => latency() }

  const spawnHub = (protocol = PROTOCOL): WorldHub => {
    const process = createProcess(base, fetch ?? server.fetch, storage)
    const { platform, openStore } = process
    const hub = createHub({
      platform,
      host: 'shared-worker',
      origin: 'https://app.test',
      openStore,
      protocol,
    })
    return Object.assign(process, {
      protocol,
      accept(onWay: (message: unknown) => unknown) {
        const ports = createFakePorts(process, onWay)
        const remote = wrap<TabApi>(ports.worker) as unknown as RemoteTab
        expose(hub.accept(remote, ports.worker.close), ports.worker)
        return ports.page as unknown as MessagePort
      },
    })
  }

  const openTab: World['openTab'] = (
    first,
    from,
    next,
    { types = ['*'], urgent = [], visible = true } = {},
  ) => {
    const heard: Heard[] = []
    const errors: StreamError[] = []
    let closed = false
    let at = first
    let lastName: string | null = null
    // A name leads to one worker, until that one dies.
    const shared = ({ name }: WorkerFactoryOptions) => {
      if ((lastName !== null && name !== lastName) || (lastName === name && at.isDead())) at = next(at)
      lastName = name
      return { port: at.accept(speaking(at.protocol)), onerror: null } as unknown as SharedWorker
    }
    const page = openPage(base.locks)
    pages.push(page)
    page.setVisible(visible)
    const stream = page.connect<Record<string, number>>('/stream', {
      user: 'ann',
      from,
      worker: { shared },
      ...options,
    })
    const listen = (type: string) =>
      stream.on(type, (number, { id }) => {
        heard.push({ number, id, hasOwnId: server.published[number - 1]!.id !== null })
      })
    types.forEach(listen)
    for (const type of urgent) stream.on(type, () => {}, { urgent: true })
    stream.onReset(({ reason }) => heard.push({ reset: reason }))
    stream.onError((error) => errors.push(error))
    stream.onStatus(({ state }) => {
      if (state === 'failed') base.after(PATIENCE, () => closed || stream.reconnect())
    })
    return {
      stream,
      heard,
      errors,
      hasWorker: () => lastName !== null,
      isAttached: () => stream.status.tabs > 0,
      isClosed: () => closed,
      listen: (type) => void listen(type),
      setVisible: page.setVisible,
      async describe() {
        const { role, state, tabs } = stream.status
        const inspection = await Promise.race([
          stream.inspect(),
          settle(200).then(() => 'its hub does not answer'),
        ])
        return JSON.stringify([role, state, tabs, inspection])
      },
      move(to) {
        if (closed) return
        page.hide()
        at = to
        page.show(true)
      },
      close() {
        if (closed) return
        closed = true
        stream.close()
      },
      numbers: () => heard.flatMap((each) => ('number' in each ? [each.number] : [])),
      resets: () => heard.flatMap((each) => ('reset' in each ? [each.reset] : [])),
    }
  }

  return {
    base,
    server,
    spawnHub,
    openTab,
    async publish(count) {
      for (let left = count; left > 0; left--) server.publish(true)
      await settle(80)
    },
    breakStorage(which) {
      broken = which
    },
    setLatency(turns) {
      latency = turns
    },
    advance: (ms, turns = 10) => base.advance(ms, turns),
    close() {
      for (const page of pages) page.close()
      stopTime()
    },
  }
}
