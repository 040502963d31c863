import type { Backend } from '../browser/backend.ts'
import type { BrowserName } from '../browsers.ts'
import { pick, type Random } from '../random.ts'
import type { Crew, Member } from './crew.ts'

export interface Scene {
  backend: Backend
  crew: Crew
  random: Random
  /** Resolves after so many ms: how long a fault lasts is part of it. */
  pause(ms: number): Promise<void>
}

export interface Fault {
  name: string
  /** Engines that cannot inject it. */
  not?: BrowserName[]
  /** Only with hubs of the tabs' own. */
  needs?: 'worker'
  run(scene: Scene): Promise<void>
}

const anyTab = ({ crew, random }: Scene) => pick(random, crew.members)

/** Takes a member away; another comes in its place. */
const replace = async ({ crew }: Scene, member: Member, end: 'close' | 'crash') => {
  crew.leave(member)
  await member.tab[end]()
  await crew.open()
}

const leader = async ({ crew }: Scene) => {
  for (const member of crew.members) if ((await member.tab.status()).role === 'leader') return member
  return crew.members[0]!
}

/** What can go wrong between the bytes and the listener. Each ends by itself: the world is whole again after it. */
export const FAULTS: Fault[] = [
  { name: 'cut', run: async ({ backend }) => backend.proxy.cut('reset') },
  { name: 'clean end', run: async ({ backend }) => backend.proxy.cut('end') },
  {
    name: 'cut inside an event',
    async run({ backend, random }) {
      backend.proxy.cutAfter(1 + Math.floor(random() * 400), pick(random, ['reset', 'end'] as const))
      await backend.publish(5)
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
  {
    name: 'half-open line',
    async run({ backend, pause, random }) {
      backend.proxy.blackHole()
      await pause(500 + random() * 4_000)
      backend.proxy.restore()
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
    name: 'published into the reconnection',
    async run({ backend }) {
      backend.proxy.cut('reset')
      for (let burst = 0; burst < 10; burst++) await backend.publish(20)
    },
  },
  { name: 'a tab closes, another opens', run: (scene) => replace(scene, anyTab(scene), 'close') },
  { name: 'a tab crashes, another opens', run: (scene) => replace(scene, anyTab(scene), 'crash') },
  {
    name: 'the creator of the worker crashes',
    run: (scene) => replace(scene, scene.crew.members[0]!, 'crash'),
  },
  { name: 'every worker closes', run: async (scene) => anyTab(scene).tab.harm('close') },
  { name: 'every worker hangs', run: async (scene) => anyTab(scene).tab.harm('wedge') },
  {
    name: 'the leader closes',
    needs: 'worker',
    run: async (scene) => replace(scene, await leader(scene), 'close'),
  },
  {
    name: 'the leader crashes',
    needs: 'worker',
    run: async (scene) => replace(scene, await leader(scene), 'crash'),
  },
  {
    name: 'reconnect() while it runs',
    run: async (scene) => anyTab(scene).tab.page.evaluate(() => window.stream.reconnect()),
  },
  {
    name: 'a page reloads',
    async run(scene) {
      const member = anyTab(scene)
      scene.crew.leave(member)
      await member.tab.page.reload()
      await member.tab.close()
      await scene.crew.open()
    },
  },
]
