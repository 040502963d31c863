import { Agent, type IncomingMessage } from 'node:http'
import { delay } from '../../worker/stream/backoff.ts'
import { pick, type Random } from '../random.ts'
import type { Cluster } from './cluster.ts'
import { openStream } from './open-stream.ts'

export interface TopicFollowerOptions {
  cluster: Pick<Cluster, 'entries'>
  token: string
  /** `Stream-Client`. */
  client: string
  /** All topics that there are. */
  topics: readonly string[]
  random: Random
}

/** From when on a client has all of a topic, and what it was given until it left the topic. */
export interface Coverage {
  topic: string
  /** Place of the marker that said so. */
  from: number
  numbers: number[]
  state: 'open' | 'left'
}

const placeOf = (id: string) => Number(id.split('-')[1])

/**
 * A client that joins and leaves topics all the while (R7, R8), by `PUT` to whatever node, or by opening anew. It knows the
 * contract and nothing of this library but how long that waits. It writes down all that it is given.
 */
export const followTopics = ({ cluster, token, client, topics, random }: TopicFollowerOptions) => {
  // Over 80 lines: requests, blocks and coverage share the position and the wanted set.
  const coverages: Coverage[] = []
  const covered = new Map<string, Coverage>()
  const counts = { opened: 0, put: 0, notTaken: 0, gaps: 0, resets: 0, outOfOrder: 0, unasked: 0 }
  let wanted = new Set<string>()
  let lastEventId = ''
  let state: 'waiting' | 'open' | 'closed' = 'waiting'
  let putTo: string | undefined
  let rev = 0
  let attempt = 0
  let timer: NodeJS.Timeout | undefined
  let cut = () => {}
  const agent = new Agent({ keepAlive: false })

  const leave = (topic: string) => {
    const coverage = covered.get(topic)
    if (coverage) coverage.state = 'left'
    covered.delete(topic)
  }

  const cover = (topic: string, from: number) => {
    if (covered.has(topic)) return
    const coverage: Coverage = { topic, from, numbers: [], state: 'open' }
    covered.set(topic, coverage)
    coverages.push(coverage)
  }

  const mark = (id: string, marker: { rev: number; topics: Record<string, number> }) => {
    for (const [topic, status] of Object.entries(marker.topics)) {
      if (status !== 200) counts.gaps += 1
      // Of an earlier set: by the last one the topic may have been left meanwhile.
      else if (marker.rev === rev && wanted.has(topic)) cover(topic, placeOf(id))
    }
  }

  const take = (block: string) => {
    const lines = block.split('\n')
    const of = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1)
    const id = of('id:')
    const data = of('data:')
    if (id === undefined) return
    const isMarker = of('event:') === 'stream.topics'
    if (lastEventId !== '' && placeOf(id) < placeOf(lastEventId) + (data === undefined || isMarker ? 0 : 1))
      counts.outOfOrder += 1
    lastEventId = id
    if (data === undefined) return
    if (isMarker) return mark(id, JSON.parse(data) as Parameters<typeof mark>[1])
    const topic = of(': topic') ?? ''
    const coverage = covered.get(topic)
    // A client drops what comes of a topic that it has just left.
    if (coverage) coverage.numbers.push((JSON.parse(data) as { n: number }).n)
    else if (!topics.includes(topic)) counts.unasked += 1
  }

  const again = () => {
    if (state === 'closed') return
    state = 'waiting'
    putTo = undefined
    cut = () => {}
    timer = setTimeout(connect, delay(attempt++, 200, null, random()))
  }

  const open = (response: IncomingMessage, asked: ReadonlySet<string>) => {
    counts.opened += 1
    attempt = 0
    rev = 0
    state = 'open'
    putTo = response.headers['stream-topics'] as string
    if (lastEventId !== '' && response.headers['stream-resume'] !== 'continue') counts.resets += 1
    let text = ''
    const decoder = new TextDecoder()
    response.on('data', (chunk: Buffer) => {
      text += decoder.decode(chunk, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) take(block)
    })
    // It may have changed its mind while the request was under way.
    const isSame = asked.size === wanted.size && [...asked].every((topic) => wanted.has(topic))
    if (!isSame) void put()
  }

  const connect = () => {
    const asked = new Set(wanted)
    const query = [...asked].toSorted().map((topic) => `topic=${encodeURIComponent(topic)}`)
    cut = openStream({
      url: `${pick(random, cluster.entries())}/api/v1/events/stream?${query.join('&')}`,
      agent,
      token,
      client,
      lastEventId,
      onStream: (response) => open(response, asked),
      onOver: again,
    })
  }

  const put = async () => {
    const body = JSON.stringify({ rev: ++rev, topics: [...wanted] })
    counts.put += 1
    try {
      const response = await fetch(pick(random, cluster.entries()) + putTo, {
        method: 'PUT',
        headers: {
          Authorization: `Bearer ${token}`,
          'Stream-Client': client,
          'Content-Type': 'application/json',
        },
        body,
        signal: AbortSignal.timeout(3_000),
      })
      if (response.status === 202) return
    } catch {
      // Whether it was taken nobody knows.
    }
    counts.notTaken += 1
    cut()
  }

  /** Another set. What is given up is no longer covered before anybody is told. */
  const change = (next: ReadonlySet<string>) => {
    for (const topic of wanted) if (!next.has(topic)) leave(topic)
    wanted = new Set(next)
    if (state !== 'open') return
    if (putTo !== undefined && random() < 0.8) void put()
    else cut()
  }
  connect()

  return {
    coverages,
    counts,
    change,
    wanted: () => wanted,
    isCovered: () => [...wanted].every((topic) => covered.has(topic)),
    last: (topic: string) => covered.get(topic)?.numbers.at(-1),
    covered: (topic: string) => covered.get(topic),
    close(): void {
      clearTimeout(timer)
      state = 'closed'
      cut()
      agent.destroy()
    },
  }
}

export type TopicFollower = ReturnType<typeof followTopics>
