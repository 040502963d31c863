import { isDeepStrictEqual } from 'node:util'
import { expose, wrap } from 'comlink'
import type { WorkerFactoryOptions } from '../../../src/attachment/worker-factory.ts'
import type { ConnectOptions } from '../../../src/options.ts'
import type { TabApi } from '../../../src/shared/protocol.ts'
import { createHub } from '../../../worker/hub.ts'
import type { RemoteTab } from '../../../worker/tabs/session.ts'
import { type Arena, type ContractTab, TYPES } from '../../contract.ts'
import { clearIndexedDb } from './log.ts'
import { openPage, type Page } from './page.ts'
import { createFakePlatform } from './platform.ts'
import { createProcess } from './process.ts'
import { createStreamServer } from './stream-server.ts'
import { turn } from './turns.ts'

/** Nothing in it reads the clock for long: a test that hangs says so. */
const PATIENCE = 5_000

/**
 * A browser in memory for the contract suite: the real client and the real hub over real ports, with locks,
 * channels, clock and server of the harness.
 *
 * @param host one worker for all tabs of a name, or one for each tab
 */
export const openArena = (host: 'shared-worker' | 'worker'): Arena & { close(): void } => {
  clearIndexedDb()
  const base = createFakePlatform()
  base.setRandom(0.5)
  const server = createStreamServer()
  const storage = { isBroken: () => false, latency: () => 0 }
  const pages: Page[] = []

  const spawn = () => {
    const process = createProcess(base, server.fetch, storage)
    const { platform, openStore } = process
    const hub = createHub({ platform, host, origin: 'https://app.test', openStore })
    return {
      ...process,
      connect(): MessagePort {
        const { port1, port2 } = new MessageChannel()
        process.onDeath(() => port1.close())
        const remote = wrap<TabApi>(port1) as unknown as RemoteTab
        expose(
          hub.accept(remote, () => port1.close()),
          port1,
        )
        return port2
      },
    }
  }
  let workers: ReturnType<typeof spawn>[] = []
  const named = new Map<string, ReturnType<typeof spawn>>()
  const start = () => {
    const worker = spawn()
    workers.push(worker)
    return worker
  }
  const shared = ({ name }: WorkerFactoryOptions) => {
    const running = named.get(name)
    const worker = running === undefined || running.isDead() ? start() : running
    named.set(name, worker)
    return { port: worker.connect(), onerror: null } as unknown as SharedWorker
  }
  const dedicated = () => {
    const worker = start()
    const terminate = () => worker.kill()
    return Object.assign(worker.connect(), { terminate, onerror: null }) as unknown as Worker
  }
  const worker: NonNullable<ConnectOptions['worker']> = host === 'shared-worker' ? { shared } : { dedicated }

  const eventually: Arena['eventually'] = async (read, expected) => {
    const start = performance.now()
    for (let last = await read(); !isDeepStrictEqual(last, expected); last = await read()) {
      if (performance.now() - start > PATIENCE)
        throw new Error(`Is ${JSON.stringify(last)}, never ${JSON.stringify(expected)}: ${read}`)
      await base.advance(20, 5)
    }
  }

  return {
    async open({ from, types } = {}): Promise<ContractTab> {
      const page = openPage(base.locks)
      pages.push(page)
      const stream = page.connect<Record<string, number>>('/stream', {
        user: 'ann',
        worker,
        ...(from === undefined ? {} : { from }),
      })
      const heard: number[] = []
      const resets: string[] = []
      const errors: string[] = []
      for (const type of types ?? ['*']) stream.on(type, (number: number) => heard.push(number))
      stream.onReset(({ reason }) => resets.push(reason))
      stream.onError(({ kind }) => errors.push(kind))
      await eventually(() => stream.status.state, 'open')
      return {
        heard: async () => [...heard],
        resets: async () => [...resets],
        errors: async () => [...errors],
        state: async () => stream.status.state,
        metrics: stream.metrics,
        inspect: stream.inspect,
        hide: async () => void page.hide(),
        show: async () => void page.show(true),
        close: async () => stream.close(),
        end: async () => void page.hide(),
      }
    },
    async publish(count, type = TYPES[0]) {
      const numbers: number[] = []
      while (numbers.length < count) numbers.push(server.publish(true, type).number)
      return numbers
    },
    async cut() {
      server.cut()
    },
    async lapse() {
      server.cut()
      for (let count = 50; count > 0; count--) server.publish(true)
      server.forget()
    },
    async killHubs() {
      for (const each of workers) each.kill()
      workers = []
      await turn()
    },
    streams: () => server.open().length,
    peak: server.most,
    eventually,
    close() {
      for (const page of pages) page.close()
      for (const each of workers) each.kill()
    },
  }
}
