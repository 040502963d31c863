import { pick, type Random } from '../random.ts'
import type { Cluster } from './cluster.ts'
import type { Follower } from './follower.ts'
import type { Node } from './nodes.ts'

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

export const faultNames = [
  'node killed',
  'pub/sub clients killed',
  'clients move',
  'redis master killed',
  'node replaced, as by a deploy',
  'all redis clients killed',
  'node frozen for 2 s',
] as const

/** One thing after the other goes wrong, each at least once, until told to stop. Node 0 is never hit: one stays. */
export const wreak = (cluster: Cluster, followers: readonly Follower[], random: Random) => {
  const counts = Object.fromEntries(faultNames.map((name) => [name, 0])) as Record<string, number>
  let state: 'running' | 'stopped' = 'running'

  const anyNode = (): Node => pick(random, cluster.nodes.slice(1))

  const faults: Record<(typeof faultNames)[number], () => Promise<void>> = {
    async 'node killed'() {
      const node = anyNode()
      await node.kill()
      await pause(500)
      await node.start()
    },
    async 'pub/sub clients killed'() {
      await cluster.redis.ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
    },
    async 'clients move'() {
      for (const follower of followers) if (random() < 0.5) follower.move()
    },
    async 'redis master killed'() {
      await cluster.redis.failOver(`tabstream:{main}:order`)
    },
    async 'node replaced, as by a deploy'() {
      const node = anyNode()
      await node.stop()
      await node.start()
    },
    async 'all redis clients killed'() {
      await cluster.redis.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await cluster.redis.ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
    },
    async 'node frozen for 2 s'() {
      const node = anyNode()
      node.signal('SIGSTOP')
      await pause(2_000)
      node.signal('SIGCONT')
    },
  }

  const run = async () => {
    for (let turn = 0; state === 'running' || turn < faultNames.length; turn++) {
      const name = faultNames[turn % faultNames.length]!
      await faults[name]()
      counts[name] = (counts[name] ?? 0) + 1
      await pause(300 + random() * 700)
    }
  }

  const done = run()
  return {
    counts,
    /** Resolves once the last one is over, and everything runs again. */
    stop(): Promise<void> {
      state = 'stopped'
      return done
    },
  }
}
