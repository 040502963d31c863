import { randomUUID } from 'node:crypto'
import { pick, type Random } from '../random.ts'
import { eventually } from './checks.ts'
import type { Cluster } from './cluster.ts'
import { type Coverage, followTopics } from './topic-follower.ts'

/** What of a cluster it takes. */
export type Ways = Pick<Cluster, 'entries' | 'post' | 'tokenFor'>

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))
const placeOf = (id: string) => Number(id.split('-')[1])

/** Publishes 1, 2, 3 ... to each room, through whichever node or proxy, and writes down the place of each. */
const createRooms = (cluster: Ways, random: Random, topics: readonly string[], token: string) => {
  /** Of the n-th event of a room, at n - 1. */
  const places = new Map<string, number[]>(topics.map((topic) => [topic, []]))

  const publish = async (topic: string) => {
    const told = places.get(topic)!
    const count = 1 + Math.floor(random() * 5)
    const events = Array.from({ length: count }, (_, index) => ({
      type: 'task.progress_updated',
      topic,
      data: { n: told.length + 1 + index },
    }))
    const headers = { Authorization: `Bearer ${token}`, 'Idempotency-Key': randomUUID() }
    for (;;) {
      try {
        const response = await cluster.post(
          `${pick(random, cluster.entries())}/api/v1/events`,
          events,
          headers,
        )
        if (response.status === 201) {
          const { ids } = (await response.json()) as { ids: string[] }
          told.push(...ids.map(placeOf))
          return
        }
        await response.arrayBuffer()
        if (response.status < 500 && response.status !== 408)
          throw new TypeError(`Publishing to a room answers ${response.status}`)
      } catch (error) {
        if (error instanceof TypeError && /answers 4/.test(error.message)) throw error
      }
      await pause(50 + random() * 150)
    }
  }
  return { places, publish }
}

/**
 * Clients that join and leave rooms while nodes and Redis are killed. What each was given of each room, from the marker that
 * said so until it left, is compared with what was published, by its place in the order.
 */
export const topicsUnderChaos = async (cluster: Ways, random: Random, clients = 10) => {
  const topics = Array.from({ length: 10 }, (_, index) => `room/${index + 1}`)
  const { places, publish } = createRooms(
    cluster,
    random,
    topics,
    await cluster.tokenFor('speaker', 'access'),
  )
  const followers = await Promise.all(
    Array.from({ length: clients }, async (_, index) =>
      followTopics({
        cluster,
        token: await cluster.tokenFor(`listener-${index}`, 'sse'),
        client: `listener-${index}`,
        topics,
        random,
      }),
    ),
  )
  let state: 'running' | 'stopped' = 'running'
  let changes = 0

  const speak = async (topic: string) => {
    while (state === 'running') {
      await publish(topic)
      await pause(random() * 100)
    }
  }
  const wander = async (follower: (typeof followers)[number]) => {
    while (state === 'running') {
      follower.change(new Set(topics.filter(() => random() < 0.5)))
      changes += 1
      await pause(100 + random() * 1_500)
    }
    follower.change(new Set(topics))
  }
  const done = Promise.all([...topics.map(speak), ...followers.map(wander)])

  /** Numbers that should have come and did not, or came otherwise than once and in order. */
  const judge = ({ topic, from, numbers, state }: Coverage) => {
    const published = places.get(topic)!
    const first = published.findIndex((place) => place > from)
    const begin = first === -1 ? published.length : first
    const end = state === 'open' ? published.length : begin + numbers.length
    const expected = Array.from({ length: end - begin }, (_, index) => begin + 1 + index)
    const had = new Set(numbers)
    return {
      expected: expected.length,
      lost: expected.filter((n) => !had.has(n)).length,
      doubled: numbers.length - had.size,
      outOfOrder: numbers.filter((n, index) => index > 0 && n <= numbers[index - 1]!).length,
    }
  }

  return {
    async stop() {
      state = 'stopped'
      await done
      const isLevel = () =>
        followers.every((follower) =>
          topics.every((topic) => {
            const coverage = follower.covered(topic)
            return coverage && judge(coverage).lost === 0
          }),
        )
      await eventually(isLevel, 30_000)
      const judged = followers.flatMap(({ coverages }) => coverages.map(judge))
      const sum = (values: number[]) => values.reduce((all, value) => all + value, 0)
      const counted = (name: keyof (typeof followers)[number]['counts']) =>
        sum(followers.map(({ counts }) => counts[name]))
      const uncovered = sum(
        followers.map((follower) => topics.filter((topic) => !follower.covered(topic)).length),
      )
      for (const follower of followers) follower.close()
      return {
        published: sum([...places.values()].map((of) => of.length)),
        deliveries: sum(judged.map(({ expected }) => expected)),
        lost: sum(judged.map(({ lost }) => lost)),
        doubled: sum(judged.map(({ doubled }) => doubled)),
        outOfOrder: sum(judged.map(({ outOfOrder }) => outOfOrder)) + counted('outOfOrder'),
        gaps: counted('gaps') + counted('resets'),
        unasked: counted('unasked'),
        uncovered,
        changes,
        puts: counted('put'),
        notTaken: counted('notTaken'),
        opened: counted('opened'),
      }
    },
  }
}
