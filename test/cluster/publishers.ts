import { randomUUID } from 'node:crypto'
import { pick, type Random } from '../random.ts'
import type { Cluster } from './cluster.ts'

export interface PublishersOptions {
  cluster: Cluster
  random: Random
  /** Access tokens by user. */
  tokens: ReadonlyMap<string, string>
  eventsPerUser: number
  /** Users that are published for at the same time. */
  parallel: number
  /** Milliseconds that all of it takes at least. */
  duration: number
}

/**
 * Publishes 1, 2, 3 ... for each user, through whichever node or proxy. What nobody has answered is sent again under
 * the same Idempotency-Key, elsewhere: only so can it be known that nothing is there twice.
 */
export const publishAll = (options: PublishersOptions) => {
  const { cluster, random, tokens, eventsPerUser, parallel, duration } = options
  const started = Date.now()
  const total = tokens.size * eventsPerUser
  const last = new Map<string, number>()
  let published = 0
  let repeated = 0

  const send = async (user: string, from: number, count: number) => {
    const events = Array.from({ length: count }, (_, index) => ({
      type: 'task.progress_updated',
      data: { n: from + index, id: 'task', label: 'Cluster', percent: (from + index) % 101 },
    }))
    const headers = { Authorization: `Bearer ${tokens.get(user)}`, 'Idempotency-Key': randomUUID() }
    for (;;) {
      try {
        const url = pick(random, cluster.entries())
        const response = await cluster.post(`${url}/api/v1/events`, events, headers)
        if (response.status === 201) return
        // 408 of a proxy: on a machine with load the request took its time.
        if (response.status < 500 && response.status !== 408)
          throw new TypeError(`${response.status} ${await response.text()}`)
        await response.arrayBuffer()
      } catch (error) {
        if (error instanceof TypeError && /^4\d\d /.test(error.message)) throw error
      }
      repeated += 1
      await new Promise((done) => setTimeout(done, 50 + random() * 150))
    }
  }

  const publishFor = async (user: string) => {
    const from = (last.get(user) ?? 0) + 1
    const count = Math.min(1 + Math.floor(random() * 40), eventsPerUser - from + 1)
    await send(user, from, count)
    last.set(user, from + count - 1)
    published += count
    // Not faster than it is to last.
    const due = started + (published / total) * duration
    if (due > Date.now()) await new Promise((done) => setTimeout(done, due - Date.now()))
  }

  const users = [...tokens.keys()]
  const work = async (mine: readonly string[]) => {
    for (;;) {
      const left = mine.filter((user) => (last.get(user) ?? 0) < eventsPerUser)
      if (left.length === 0) return
      await publishFor(pick(random, left))
    }
  }

  return {
    done: Promise.all(
      Array.from({ length: parallel }, (_, worker) =>
        work(users.filter((_, index) => index % parallel === worker)),
      ),
    ),
    published: () => published,
    repeated: () => repeated,
  }
}
