import type { StartOptions } from '../browser/app/record.ts'
import type { Backend } from '../browser/backend.ts'
import type { Front } from '../browser/front.ts'
import type { Tab } from '../browser/tab.ts'
import type { BrowserName } from '../browsers.ts'
import { pick, type Random } from '../random.ts'
import { FAULTS_OF_ANSWERS } from './answer-faults.ts'
import type { Crew, Hosts } from './crew.ts'
import { FAULTS_OF_ENVIRONMENT } from './environment-faults.ts'
import { FAULTS_OF_RHYTHM } from './rhythm-faults.ts'
import { FAULTS_OF_TABS } from './tab-faults.ts'
import { FAULTS_OF_TOKENS } from './token-faults.ts'
import type { User } from './user.ts'
import { FAULTS_OF_VIEW } from './view-faults.ts'

export interface Scene {
  backend: Backend
  front: Front
  crew: Crew
  user: User
  random: Random
  /** The kind of worker for a tab that is none of the crew's. */
  host: 'shared-worker' | 'worker'
  /** Opens such a tab. */
  visit(options: StartOptions): Promise<Tab>
  /** Resolves after so many ms: how long a fault lasts is part of it. */
  pause(ms: number): Promise<void>
}

export interface Fault {
  name: string
  /** Engines that cannot inject it. */
  not?: BrowserName[]
  /** Kinds of hosts that it makes sense with. Default: all. */
  hosts?: Hosts[]
  /** The server loses history: each tab may be told so, once. */
  loses?: true
  /** What hangs may do so within a transaction, and then history is lost with IndexedDB, where a hub says so. */
  blocks?: true
  /** A hub dies of it: five within 60 s are `failed` by promise (T2), so that many are not dealt. */
  deadly?: true
  /** What is gone, or hangs, can't close its stream, or not in time: its successor's may replace it at the server (R6). */
  orphans?: true
  /** Takes over 10 s: left out of a quick run. */
  long?: true
  /** Resolves once the world is whole again; the clock of the recovery starts there. */
  run(scene: Scene): Promise<void>
}

/** What can go wrong between the bytes and the parser. Each ends by itself. */
const FAULTS_OF_THE_LINE: Fault[] = [
  { name: 'cut', run: async ({ backend }) => backend.proxy.cut('reset') },
  { name: 'clean end', run: async ({ backend }) => backend.proxy.cut('end') },
  {
    name: 'cut inside an event',
    async run({ backend, random }) {
      const cut = backend.proxy.cutAfter(
        1 + Math.floor(random() * 400),
        pick(random, ['reset', 'end'] as const),
      )
      await backend.publish(5)
      await cut
    },
  },
  {
    name: 'server breaks off inside an event',
    run: async ({ backend }) => void (await backend.drop({ midEvent: true })),
  },
  { name: 'server drops its streams', run: async ({ backend }) => void (await backend.drop()) },
  {
    name: 'server restarts',
    async run({ backend, pause, random }) {
      await backend.stop()
      await pause(random() * 800)
      await backend.start()
    },
  },
  { name: 'server is killed', run: ({ backend }) => backend.kill(20) },
  {
    name: 'half-open line',
    async run({ backend, pause, random }) {
      backend.proxy.blackHole()
      // Over the 2 s after which the crew's heartbeat gives a line up (S3).
      await pause(2_500 + random() * 1_500)
      // What it held back dies with it: a line that comes back to life would prove nothing.
      backend.proxy.cut()
      backend.proxy.restore()
    },
  },
  {
    name: 'a sign of life that is late, but in time',
    async run({ backend, pause }) {
      const { opened } = backend.connections()
      backend.proxy.blackHole()
      await pause(1_200)
      backend.proxy.restore()
      if (backend.connections().opened !== opened) throw new Error('It was given up before its time (S3).')
    },
  },
  {
    name: 'a sign of life that is 8 s late, after some every 500 ms',
    long: true,
    async run({ backend, visit, pause }) {
      // With the default heartbeat, which the crew does not have.
      const tab = await visit({ user: 'bob' })
      await tab.until('open', 45_000)
      const opened = () => backend.connections().openedByUser.bob
      const before = opened()
      backend.proxy.blackHole()
      await pause(8_000)
      backend.proxy.restore()
      await pause(1_000)
      if (opened() !== before) throw new Error('It was given up before its time (S3).')
      await tab.close()
    },
  },
  {
    name: 'cut at every byte of three events',
    long: true,
    // `reconnect()` reopens streams that stand, hundreds of times: a busy server may see an end later than 100 ms (S1).
    orphans: true,
    async run({ backend, crew }) {
      for (let bytes = 1, cut = true; cut; bytes++) {
        cut = false
        const done = backend.proxy.cutAfter(bytes, bytes % 2 === 0 ? 'reset' : 'end').then(() => {
          cut = true
        })
        const last = await backend.publish(3)
        await Promise.race([done, crew.caughtUp(last, 45_000)])
        backend.proxy.restore()
        // As somebody at the screen would: hundreds of cuts in a row are none that a backoff is made for.
        await crew.members[0]!.tab.page.evaluate(() => window.stream.reconnect())
        await crew.caughtUp(last, 45_000)
      }
    },
  },
  {
    name: 'refused for a while',
    async run({ backend, pause, random }) {
      backend.proxy.refuse()
      backend.proxy.cut('reset')
      await pause(random() * 1_500)
      backend.proxy.restore()
    },
  },
  {
    name: 'single bytes',
    async run({ backend, pause }) {
      backend.proxy.throttle(1, 1)
      await pause(300)
      backend.proxy.restore()
    },
  },
  {
    name: 'slow chunks',
    async run({ backend, pause }) {
      backend.proxy.throttle(700, 20)
      await pause(1_000)
      backend.proxy.restore()
    },
  },
  {
    name: 'published into the reconnection',
    async run({ backend }) {
      backend.proxy.cut('reset')
      for (let burst = 0; burst < 10; burst++) await backend.publish(20)
    },
  },
  {
    name: 'server sends the last 500 events again',
    async run({ backend, front, crew, pause }) {
      // What the log does not hold is no duplicate to it (D3), and a fault before may have cost it all that it had.
      await crew.caughtUp(await backend.publish(500), 45_000)
      let rewritten = false
      front.rewrite((headers) => {
        const id = /^(\w+)-(\d+)$/.exec(String(headers['last-event-id']))
        if (id === null) return
        headers['last-event-id'] = `${id[1]}-${Math.max(0, Number(id[2]) - 500)}`
        rewritten = true
      })
      backend.proxy.cut('reset')
      while (!rewritten) await pause(20)
      front.rewrite(null)
    },
  },
  {
    name: 'the server has trimmed what was missed',
    loses: true,
    async run({ backend }) {
      backend.proxy.refuse()
      backend.proxy.cut('reset')
      for (let burst = 0; burst < 6; burst++) await backend.publish(500)
      backend.proxy.restore()
    },
  },
  { name: 'the server has lost its history', loses: true, run: ({ backend }) => backend.wipe() },
]

export const FAULTS: Fault[] = [
  ...FAULTS_OF_THE_LINE,
  ...FAULTS_OF_ANSWERS,
  ...FAULTS_OF_TOKENS,
  ...FAULTS_OF_ENVIRONMENT,
  ...FAULTS_OF_RHYTHM,
  ...FAULTS_OF_TABS,
  ...FAULTS_OF_VIEW,
]
