import { connect } from 'node:net'
import { createParser } from 'eventsource-parser'
import { eventually } from './checks.ts'
import type { Cluster } from './cluster.ts'

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/** Opens a stream and reads none of it, while more is published than sockets and buffers can hold. */
export const slowClient = async (cluster: Cluster): Promise<string> => {
  const user = 'slow'
  const node = cluster.nodes[0]!
  const token = await cluster.tokenFor(user, 'sse')
  const memory = () => cluster.metric(0, 'process_resident_memory_bytes')
  const connections = async () =>
    (await (await fetch(`${node.opsUrl}/debug/connections`)).json()) as {
      streams: { user: string; buffered: number }[]
    }

  const socket = connect(node.port, '127.0.0.1').pause()
  socket.on('error', () => {})
  socket.write(
    `GET /api/v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  )
  const isOpen = async () => (await connections()).streams.some((stream) => stream.user === user)
  if (!(await eventually(isOpen, 10_000))) throw new Error('No stream')

  const before = await memory()
  let most = 0
  let buffered = 0
  const look = async () => {
    most = Math.max(most, await memory())
    const own = (await connections()).streams.find((stream) => stream.user === user)
    buffered = Math.max(buffered, own?.buffered ?? 0)
  }
  // 64 MB through another node: what this one holds of it, it holds for the client.
  for (let batch = 0; batch < 32; batch++) {
    await cluster.post(`${cluster.nodes[1]!.opsUrl}/debug/publish`, { user, count: 40, bytes: 50_000 })
    await look()
  }
  // 20 s without a byte taken.
  const cut = await eventually(async () => {
    await look()
    return !(await isOpen())
  }, 40_000)
  if (!cut) throw new Error('Not cut')
  socket.destroy()
  if (buffered === 0 || buffered > 2 ** 20) throw new Error(`${buffered} bytes were buffered`)
  if (most - before > 64 * 2 ** 20) throw new Error(`Memory grew by ${megabytes(most - before)}`)

  // It comes back with a position that it had, and gets everything behind it.
  const ids = await cluster.ids(user)
  const abort = new AbortController()
  const response = await fetch(`${node.url}/api/v1/events/stream`, {
    headers: { Authorization: `Bearer ${token}`, 'Last-Event-ID': ids[0]! },
    signal: abort.signal,
  })
  const received: string[] = []
  const parser = createParser({ onEvent: ({ id }) => received.push(id!) })
  const decoder = new TextDecoder()
  for await (const chunk of response.body!) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (received.at(-1) === ids.at(-1)) break
  }
  abort.abort()
  if (received.join() !== ids.slice(1).join()) throw new Error(`${received.length} of ${ids.length - 1} came`)
  if (response.headers.get('stream-resume') !== 'continue') throw new Error('It was told to start anew')
  return `${megabytes(64_000_000)} published, ${(buffered / 1024).toFixed(0)} KiB buffered at most, memory ${megabytes(before)} to ${megabytes(most)}`
}
