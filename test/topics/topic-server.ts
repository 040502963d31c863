import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from '../browser/odd-server.ts'

/** ms between two signs of life (R2). */
const PING = 500
/** ms for the end of a connection to be heard of. */
const NEWS_LIMIT = 2_000

export interface TopicServerOptions {
  /** Says what became of each topic. `false`: it knows the parameter and answers 200. */
  says?: boolean
  /** Takes the whole set by `PUT` (R8). */
  puts?: boolean
  /** As in `ConnectOptions.topics`. */
  param?: string
}

interface Logged {
  seq: number
  topic: string | null
  text: string
}

interface Open {
  id: string
  client: string | undefined
  response: ServerResponse
  topics: Set<string>
  rev: number
}

/** What a test has a PUT answered with in place of 202. */
export type PutFault =
  | { answer: number; headers?: Record<string, string> }
  /** The set is not taken, and nothing is answered. */
  | 'silent'
  /** The set is taken, and the answer gets lost. */
  | 'lost'

/**
 * A server with topics over one order, as R7 and R8 have it and no more: what a test of the library is held against must
 * not share code with the reference server. Each topic numbers its events from 1, and `/count` tells the newest number.
 */
export const createTopicServer = ({ says = true, puts = true, param = 'topic' }: TopicServerOptions = {}) => {
  let epoch = 1
  let log: Logged[] = []
  let head = 0
  let streams = 0
  const open = new Map<string, Open>()
  const counts = new Map<string, number>()
  const refused = new Set<string>()
  /** Up to which seq the history of a topic is gone. */
  const forgotten = new Map<string, number>()
  const faults: PutFault[] = []
  let markerDelay = 0
  const seen = {
    opened: 0,
    peak: 0,
    replaced: 0,
    puts: [] as { rev: number; topics: string[]; status: number }[],
  }

  const idOf = (seq: number) => `${epoch}-${seq}`
  const statusOf = (topic: string, position: number) =>
    refused.has(topic) ? 403 : (forgotten.get(topic) ?? 0) > position ? 410 : 200
  const marker = (seq: number, rev: number, topics: Record<string, number>) =>
    `event: stream.topics\nid: ${idOf(seq)}\ndata: ${JSON.stringify({ rev, topics })}\n\n`
  const end = ({ id, response }: Open) => {
    open.delete(id)
    response.end()
  }

  /**
   * The same browser has opened another stream (R6). A connection that it has closed already ends by itself: on a busy
   * machine the news of that is late. One that does not was still open.
   */
  const replace = ({ id, response }: Open) => {
    open.delete(id)
    const stands = setTimeout(() => {
      seen.replaced++
      response.end()
    }, NEWS_LIMIT)
    response.on('close', () => clearTimeout(stands))
  }

  const answerStream: Answer = (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const asked = searchParams.getAll(param)
    const client = request.headers['stream-client'] as string | undefined
    for (const other of [...open.values()])
      if (client !== undefined && other.client === client) replace(other)
    const [, ofEpoch, after] = /^(\d+)-(\d+)$/.exec(String(request.headers['last-event-id'] ?? '')) ?? []
    const isKnown = Number(ofEpoch) === epoch && Number(after) <= head
    const from = isKnown ? Number(after) : head
    const id = String(++streams)
    const topics = new Set(asked.filter((topic) => !says || !refused.has(topic)))
    const stream: Open = { id, client, response, topics, rev: 0 }
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      ...(request.headers['last-event-id'] && { 'stream-resume': isKnown ? 'continue' : 'reset' }),
      ...(puts && { 'stream-topics': `topics?stream=${id}` }),
    })
    const statuses = Object.fromEntries(asked.map((topic) => [topic, statusOf(topic, from)]))
    response.write(
      `retry: 200\n\n${says && asked.length > 0 ? marker(from, 0, statuses) : `id: ${idOf(from)}\n\n`}`,
    )
    for (const { seq, topic, text } of log)
      if (seq > from && (topic === null || (topics.has(topic) && statuses[topic] !== 410)))
        response.write(text)
    open.set(id, stream)
    seen.opened++
    seen.peak = Math.max(seen.peak, open.size)
    response.on('close', () => open.delete(id))
  }

  const take = (stream: Open, rev: number, names: string[]) => {
    const added = names.filter((name) => !stream.topics.has(name))
    stream.rev = rev
    stream.topics = new Set(names.filter((name) => !refused.has(name)))
    // Two sets may come one right after the other: what was joined all along is named too.
    const statuses = Object.fromEntries(names.map((name) => [name, refused.has(name) ? 403 : 200]))
    const say = () => stream.response.write(marker(head, rev, statuses))
    if (markerDelay === 0) return say()
    // Nothing of what was joined is sent before the marker: it stands in the one order.
    for (const name of added) stream.topics.delete(name)
    setTimeout(() => {
      for (const name of added) if (!refused.has(name)) stream.topics.add(name)
      say()
    }, markerDelay)
  }

  const answerPut: Answer = (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const stream = open.get(searchParams.get('stream') ?? '')
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { rev, topics } = JSON.parse(body) as { rev: number; topics: string[] }
      const fault = faults.shift()
      const answer = (status: number, headers = {}) => {
        seen.puts.push({ rev, topics, status })
        response.writeHead(status, headers).end()
      }
      if (fault === 'silent') return
      if (typeof fault === 'object') return answer(fault.answer, fault.headers)
      if (stream === undefined || request.headers['stream-client'] !== stream.client) return answer(404)
      if (rev <= stream.rev) return answer(409)
      if (fault !== 'lost') answer(202)
      take(stream, rev, topics)
      if (fault === 'lost') response.destroy()
    })
  }

  const publish = (topic: string | null, type = 'tick') => {
    const n = (counts.get(topic ?? '') ?? 0) + 1
    counts.set(topic ?? '', n)
    head++
    const name = topic === null ? '' : `: topic ${topic}\n`
    const text = `${name}id: ${idOf(head)}\nevent: ${type}\ndata: ${JSON.stringify({ n, topic })}\n\n`
    log.push({ seq: head, topic, text })
    for (const { response, topics } of open.values())
      if (topic === null || topics.has(topic)) response.write(text)
    return n
  }

  const pings = setInterval(() => {
    for (const { response } of open.values()) response.write(`id: ${idOf(head)}\n\n`)
  }, PING)

  return {
    answers: {
      '/stream': answerStream,
      '/topics': answerPut,
      '/count': (request: IncomingMessage, response: ServerResponse) => {
        const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
        response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
        response.end(String(counts.get(searchParams.get('topic') ?? '') ?? 0))
      },
    } as Record<string, Answer>,
    seen,
    open: () => open.size,
    /** The topics that the present streams have joined. */
    joined: () => [...open.values()].flatMap(({ topics }) => [...topics]).sort(),
    count: (topic: string) => counts.get(topic) ?? 0,
    /** @returns its number in the topic; @param topic `null`: none */
    publish,
    /** Writes to every stream, whatever it has asked for. */
    write: (text: string) => {
      for (const { response } of open.values()) response.write(text)
    },
    /** A right is withdrawn, or given back: 403, then 200. */
    refuse(topic: string, is = true) {
      if (is) refused.add(topic)
      else refused.delete(topic)
    },
    /** As `refuse`, and the present streams are told. */
    revoke(topic: string, is = true) {
      if (is) refused.add(topic)
      else refused.delete(topic)
      for (const { response, topics, rev } of open.values()) {
        if (is) topics.delete(topic)
        else topics.add(topic)
        response.write(marker(head, rev, { [topic]: is ? 403 : 200 }))
      }
    },
    /** The history of one topic is gone: whoever resumes before this place is told 410. */
    forget: (topic: string) => forgotten.set(topic, head),
    /** All history is gone: ids begin anew. */
    wipe() {
      epoch++
      log = []
      head = 0
      forgotten.clear()
      for (const stream of [...open.values()]) stream.response.destroy()
    },
    /** Ends every stream cleanly. */
    end() {
      for (const stream of [...open.values()]) end(stream)
    },
    /** The next PUTs are answered so, one each. */
    failPuts: (...given: PutFault[]) => void faults.push(...given),
    /** ms from a PUT's answer to its marker. */
    delayMarkers(ms: number) {
      markerDelay = ms
    },
    close: () => clearInterval(pings),
  }
}

export type TopicServer = ReturnType<typeof createTopicServer>
