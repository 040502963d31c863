import { Agent, type IncomingMessage } from 'node:http'
import { createParser } from 'eventsource-parser'
import { parseRetryAfter } from '../../worker/base/retry-after.ts'
import { delay } from '../../worker/stream/backoff.ts'
import { openStream } from './open-stream.ts'

export interface FollowerOptions {
  user: string
  token: string
  /** `Stream-Client`. */
  client: string
  /** Where the next attempt goes: another place each time. */
  entry: () => string
  random: () => number
}

export interface Reset {
  /** What it had asked to go on after. */
  after: string
  at: number
}

/**
 * A client that never gives up, and writes down all that it is given. It knows the contract (R1 to R6) and nothing of
 * this library but how long that waits.
 */
export const follow = ({ user, token, client, entry, random }: FollowerOptions) => {
  const numbers: number[] = []
  const ids = new Set<string>()
  const resets: Reset[] = []
  const counts = { opened: 0, refused: 0, repeated: 0 }
  let lastEventId = ''
  let state: 'open' | 'waiting' | 'paused' | 'closed' = 'waiting'
  let attempt = 0
  let base = 200
  let timer: NodeJS.Timeout | undefined
  let cut = () => {}
  const agent = new Agent({ keepAlive: false })

  const again = (retryAfter: number | null = null) => {
    if (state === 'closed' || state === 'paused') return
    state = 'waiting'
    cut = () => {}
    // The server's word on how long, but at a tenth: a test has no half minute to wait.
    timer = setTimeout(connect, delay(attempt++, base, retryAfter, random()) / (base > 1_000 ? 10 : 1))
  }

  const take = (response: IncomingMessage) => {
    const resume = response.headers['stream-resume']
    if (lastEventId !== '' && resume !== 'continue') resets.push({ after: lastEventId, at: numbers.length })
    state = 'open'
    attempt = 0
    counts.opened += 1
    const parser = createParser({
      onEvent: ({ id, data }) => {
        if (ids.has(id!)) counts.repeated += 1
        ids.add(id!)
        lastEventId = id!
        numbers.push((JSON.parse(data) as { n: number }).n)
      },
      onRetry: (wait) => {
        base = wait
      },
    })
    let text = ''
    const decoder = new TextDecoder()
    response.on('data', (chunk: Buffer) => {
      const part = decoder.decode(chunk, { stream: true })
      // The parser tells of no block that is only an id: the position before the first event.
      if (lastEventId === '' || resets.at(-1)?.at === numbers.length) {
        text += part
        const position = /(?:^|\n\n)id: (\S+)\n\n/.exec(text)?.[1]
        if (position !== undefined) lastEventId = position
      }
      parser.feed(part)
    })
  }

  const connect = () => {
    cut = openStream({
      url: `${entry()}/api/v1/events/stream`,
      agent,
      token,
      client,
      lastEventId,
      onStream: take,
      onOver(answer) {
        if (answer === null) return again()
        counts.refused += 1
        const retryAfter = parseRetryAfter(answer.headers['retry-after'] ?? null, Date.now()) ?? 0
        again(Math.min(1_000, retryAfter) || null)
      },
    })
  }
  connect()

  return {
    user,
    numbers,
    resets,
    counts,
    isOpen: () => state === 'open',
    lastEventId: () => lastEventId,
    /** Goes to another entry, as a laptop does that changes its network. */
    move: () => cut(),
    pause(): void {
      clearTimeout(timer)
      state = 'paused'
      cut()
    },
    resume(): void {
      state = 'waiting'
      connect()
    },
    close(): void {
      clearTimeout(timer)
      state = 'closed'
      cut()
      agent.destroy()
    },
  }
}

export type Follower = ReturnType<typeof follow>
