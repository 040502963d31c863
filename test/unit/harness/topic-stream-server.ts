import type { Process } from './process.ts'
import { turn } from './turns.ts'

/** What becomes of a PUT: it is answered so and not taken, or taken without an answer. */
export type PutFault = { answer: number } | 'lost'

interface Connection {
  id: number
  process: Process
  client: string | null
  topics: Set<string>
  rev: number
  write(text: string): void
  close(): void
}

/**
 * A server of several topics in one order (R7, R8), which keeps all its events. Each topic numbers its events from 1.
 *
 * @param puts whether it takes another set for a stream that stands
 */
export const createTopicStreamServer = (puts: boolean) => {
  let pause: (ms: number) => Promise<void> = turn
  const order: { topic: string; n: number }[] = []
  const counts = new Map<string, number>()
  const refused = new Set<string>()
  const open = new Map<number, Connection>()
  const faults: PutFault[] = []
  let streams = 0
  let most = 0
  let slow = { put: 0, marker: 0 }

  const statusOf = (names: Iterable<string>) =>
    Object.fromEntries([...names].map((name) => [name, refused.has(name) ? 403 : 200]))
  const marker = (id: number, rev: number, topics: Record<string, number>) =>
    `event: stream.topics\nid: ${id}\ndata: ${JSON.stringify({ rev, topics })}\n\n`
  const textOf = (id: number) => {
    const { topic, n } = order[id - 1]!
    return `: topic ${topic}\nid: ${id}\ndata: ${n}\n\n`
  }
  const granted = (names: string[]) => new Set(names.filter((name) => !refused.has(name)))

  const take = (stream: Connection, rev: number, names: string[]) => {
    if (rev <= stream.rev) return
    stream.rev = rev
    stream.topics = granted(names)
    stream.write(marker(order.length, rev, statusOf(names)))
  }

  const answerPut = async (process: Process, url: URL, init: RequestInit): Promise<Response> => {
    if (slow.put > 0) await pause(slow.put)
    const stream = open.get(Number(url.searchParams.get('stream')))
    const { rev, topics } = JSON.parse(String(init.body)) as { rev: number; topics: string[] }
    const fault = faults.shift()
    if (typeof fault === 'object') return new Response(null, { status: fault.answer })
    if (stream === undefined || stream.process !== process) return new Response(null, { status: 404 })
    if (rev <= stream.rev) return new Response(null, { status: 409 })
    if (slow.marker > 0) void pause(slow.marker).then(() => take(stream, rev, topics))
    else take(stream, rev, topics)
    if (fault === 'lost') throw new TypeError('fetch failed')
    return new Response(null, { status: 202 })
  }

  const answerStream = (process: Process, url: URL, { headers: given, signal }: RequestInit): Response => {
    let controller!: ReadableStreamDefaultController<Uint8Array>
    let isOver = false
    const body = new ReadableStream<Uint8Array>({
      start: (its) => {
        controller = its
      },
    })
    const headers = new Headers(given)
    const names = url.searchParams.getAll('topic')
    const end = (settle: () => void) => {
      open.delete(stream.id)
      if (isOver) return
      isOver = true
      settle()
    }
    const stream: Connection = {
      id: ++streams,
      process,
      client: headers.get('stream-client'),
      topics: granted(names),
      rev: 0,
      write: (text) =>
        void turn().then(() =>
          process.enter('net', () => isOver || controller.enqueue(new TextEncoder().encode(text))),
        ),
      close() {
        open.delete(stream.id)
        void turn().then(() => process.enter('net', () => end(() => controller.close())))
      },
    }
    for (const other of [...open.values()]) if (other.client === stream.client) other.close()
    open.set(stream.id, stream)
    process.onDeath(() => open.delete(stream.id))
    signal?.addEventListener('abort', () => end(() => controller.error(signal.reason)))
    most = Math.max(most, [...open.values()].filter((each) => each.process.isAwake()).length)
    const position = headers.get('last-event-id')
    const from = position === null ? order.length : Number(position)
    stream.write(marker(from, 0, statusOf(names)))
    for (let id = from + 1; id <= order.length; id++)
      if (stream.topics.has(order[id - 1]!.topic)) stream.write(textOf(id))
    return new Response(body, {
      headers: {
        'content-type': 'text/event-stream',
        ...(position !== null && { 'stream-resume': 'continue' }),
        ...(puts && { 'stream-topics': `/topics?stream=${stream.id}` }),
      },
    })
  }

  return {
    async fetch(process: Process, href: string, init: RequestInit): Promise<Response> {
      const url = new URL(href, 'https://app.test')
      const isPut = init.method === 'PUT'
      const answer = turn().then(() => (isPut ? answerPut : answerStream)(process, url, init))
      const aborted = new Promise<never>((_, reject) =>
        init.signal?.addEventListener('abort', () => reject(init.signal!.reason)),
      )
      return process.gated('net', Promise.race([answer, aborted]))
    },
    publish(topic: string) {
      const n = (counts.get(topic) ?? 0) + 1
      counts.set(topic, n)
      const id = order.push({ topic, n })
      for (const { topics, write } of open.values()) if (topics.has(topic)) write(textOf(id))
    },
    /** A right is withdrawn or given back, and the present streams are told. */
    refuse(topic: string, is: boolean) {
      if (is) refused.add(topic)
      else refused.delete(topic)
      for (const { topics, rev, write } of open.values()) {
        if (is) topics.delete(topic)
        else topics.add(topic)
        write(marker(order.length, rev, statusOf([topic])))
      }
    },
    cut() {
      for (const stream of [...open.values()]) stream.close()
    },
    failPut: (fault: PutFault) => void faults.push(fault),
    /** ms for which a PUT is on its way, and for which it is taken after its answer. */
    beSlow(put: number, marker: number, wait: typeof pause) {
      slow = { put, marker }
      pause = wait
    },
    count: (topic: string) => counts.get(topic) ?? 0,
    most: () => most,
  }
}
