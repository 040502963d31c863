import type { Proxy as TcpProxy } from '../browser/proxy.ts'
import type { Random } from '../random.ts'
import { pick } from '../random.ts'
import type { Crew } from './crew.ts'
import type { TopicServer } from './topic-server.ts'

export interface Scene {
  server: TopicServer
  proxy: TcpProxy
  crew: Crew
  topics: string[]
  random: Random
  pause(ms: number): Promise<void>
}

export interface Fault {
  name: string
  /** Makes sense only where the set is changed so. */
  by?: 'put'
  /** As in the fault suite (test/faults/faults.ts). */
  deadly?: true
  long?: true
  orphans?: true
  /** Which topics it may cost a reset. @returns all of them, or one */
  loses?: 'all' | 'one'
  /** Tabs have no hub meanwhile, or are away: for longer than the grace, their topics may be left. */
  parts?: true
  /** @param topic one that it is about, if it is about one */
  run(scene: Scene, topic: string): Promise<unknown>
}

const putFault = (name: string, ...answers: Parameters<TopicServer['failPuts']>): Fault => ({
  name,
  by: 'put',
  run: async ({ server }) => server.failPuts(...answers),
})

/** What can go wrong around a set of topics. Each ends by itself. */
export const FAULTS: Fault[] = [
  { name: 'cut', run: async ({ proxy }) => proxy.cut('reset') },
  { name: 'clean end', run: async ({ server }) => server.end() },
  {
    name: 'cut inside an event or a marker',
    async run({ proxy, random, pause }) {
      const cut = proxy.cutAfter(1 + Math.floor(random() * 400), pick(random, ['reset', 'end'] as const))
      await Promise.race([cut, pause(2_000)])
    },
  },
  {
    name: 'refused for a while',
    async run({ proxy, random, pause }) {
      proxy.refuse()
      proxy.cut('reset')
      await pause(random() * 1_500)
      proxy.restore()
    },
  },
  {
    name: 'half-open line',
    orphans: true,
    async run({ proxy, random, pause }) {
      proxy.blackHole()
      await pause(2_500 + random() * 1_500)
      proxy.cut()
      proxy.restore()
    },
  },
  {
    name: 'slow chunks',
    async run({ proxy, pause }) {
      proxy.throttle(300, 20)
      await pause(1_000)
      proxy.restore()
    },
  },
  {
    name: 'every worker closes',
    deadly: true,
    orphans: true,
    parts: true,
    run: ({ crew }) => crew.closeWorkers(),
  },
  {
    name: 'the leading tab is closed',
    deadly: true,
    orphans: true,
    parts: true,
    run: ({ crew }) => crew.replaceLeader(),
  },
  { name: 'a tab is closed', run: ({ crew, random }) => crew.replaceOne(random) },
  {
    name: 'a tab goes into the back/forward cache and comes back',
    parts: true,
    run: ({ crew, random }) => crew.turnAway(random),
  },
  putFault('PUT: 500 once', { answer: 500 }),
  putFault('PUT: 500 twice, then by reopening', { answer: 500 }, { answer: 500 }),
  putFault('PUT: 404, hence by reopening', { answer: 404 }),
  putFault('PUT: 409', { answer: 409 }),
  putFault('PUT: 429 with Retry-After', { answer: 429, headers: { 'retry-after': '1' } }),
  putFault('PUT: taken, and the answer lost', 'lost'),
  putFault('PUT: neither taken nor answered', 'silent'),
  {
    name: 'markers come late',
    by: 'put',
    async run({ server, random, pause }) {
      server.delayMarkers(200 + random() * 1_500)
      await pause(2_500)
      server.delayMarkers(0)
    },
  },
  {
    name: 'a right is withdrawn and given back',
    loses: 'one',
    async run({ server, random, pause }, topic) {
      server.revoke(topic)
      await pause(random() * 1_500)
      server.revoke(topic, false)
    },
  },
  {
    name: 'the history of one topic is lost',
    loses: 'one',
    async run({ server, proxy }, topic) {
      proxy.cut('reset')
      server.publish(topic)
      server.forget(topic)
    },
  },
  { name: 'all history is lost', loses: 'all', run: async ({ server }) => server.wipe() },
]
