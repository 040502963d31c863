import type { ServerResponse } from 'node:http'
import { formatComment, formatEvent, formatPosition } from './sse-format.ts'
import type { EventStore, StoredEvent } from './store.ts'

export interface EventStreamOptions {
  response: ServerResponse
  store: EventStore
  user: string
  /** Send what lies behind this position in the user's log. */
  position: number
  /** Milliseconds between signs of life (R2). */
  pingInterval: number
  /** A client that takes nothing for this many milliseconds is cut. It can resume later. */
  stallTimeout: number
  /** Milliseconds from now to the end of the stream's token. */
  life: number
  /** Asked for each event, replayed or live, at the moment that it would be sent. */
  authorize: (event: StoredEvent) => boolean | Promise<boolean>
  /** Once, when it is settled that the stream ends; `events` is how many were sent. */
  onEnd: (reason: EndReason, events: number) => void
  /** The store failed: the stream is cut. */
  onError: (error: unknown) => void
}

/** Why a stream ended, as the audit log tells. */
export type EndReason =
  | 'client-closed'
  | 'token-expired'
  | 'revoked'
  | 'replaced'
  | 'stalled'
  | 'trimmed'
  | 'failed'
  | 'cut'
  | 'server-closed'

export interface EventStream {
  /** Ends the body as HTTP wants it. A client that doesn't read is cut after `stallTimeout`. */
  end(reason: EndReason): void
  /** Destroys the socket: the client sees a broken body. */
  drop(): void
  /** Destroys the socket half-way through the next event. */
  dropInNextEvent(): void
  counts(): { events: number; buffered: number }
}

/** Bounds what one stream can hold in memory: a batch like this, plus the socket's own high-water mark. */
const batchLimit = { events: 256, characters: 128 * 1024 }

/** Node runs a timer that is longer than 2^31 - 1 ms at once. */
const longestTimer = 2 ** 31 - 1

/**
 * Writes one user's log to one response. Replay and live are the same loop: read behind the position, write,
 * wait for a wake-up. The store is the truth and a wake-up only a hint, so there is no hand-over between
 * replay and live at which an event could be lost or sent twice, and no queue that grows for a slow client.
 * The rejected alternative, pushing live events into each stream, needs both.
 */
export const openEventStream = (options: EventStreamOptions): EventStream => {
  const { response, store, user, stallTimeout } = options
  let state: 'open' | 'over' = 'open'
  let position = options.position
  let events = 0
  let breaksNextEvent = false
  let hasMore = true
  let stallTimer: NodeJS.Timeout | undefined
  let carryOn = () => {}

  const wake = () => {
    hasMore = true
    carryOn()
  }
  const unsubscribe = store.subscribe(user, wake)

  const settle = (reason: EndReason): boolean => {
    if (state === 'over') return false
    state = 'over'
    options.onEnd(reason, events)
    carryOn()
    return true
  }

  const drop = (reason: EndReason) => {
    settle(reason)
    response.destroy()
  }

  const watchForStall = () => {
    stallTimer ??= setTimeout(drop, stallTimeout, 'stalled')
  }

  const write = (text: string) => {
    if (!response.write(text)) watchForStall()
  }

  const end = (reason: EndReason) => {
    if (!settle(reason)) return
    response.end()
    watchForStall()
  }

  const ping = setInterval(() => {
    // Behind a full buffer a ping would say nothing and add to it.
    if (state === 'open' && !response.writableNeedDrain) write(formatComment('ping'))
    // Makes good a wake-up that never came: the log may have been appended to by another process.
    wake()
  }, options.pingInterval)
  const expiry = setTimeout(end, Math.min(options.life, longestTimer), 'token-expired')

  response.on('drain', () => {
    clearTimeout(stallTimer)
    stallTimer = undefined
    carryOn()
  })

  response.on('close', () => {
    settle('client-closed')
    clearInterval(ping)
    clearTimeout(expiry)
    clearTimeout(stallTimer)
    unsubscribe()
  })

  const until = async (condition: () => boolean) => {
    while (state === 'open' && !condition()) await new Promise<void>((resume) => (carryOn = resume))
  }

  const send = async (batch: readonly StoredEvent[]) => {
    const verdicts = await Promise.all(batch.map(options.authorize))
    // The state may have changed meanwhile, which the compiler can't see.
    if ((state as string) === 'over') return
    const allowed = batch.filter((_, index) => verdicts[index])
    const last = batch.at(-1)!
    if (breaksNextEvent && allowed[0]) {
      const frame = Buffer.from(formatEvent(allowed[0]))
      settle('cut')
      response.write(frame.subarray(0, frame.length >> 1), () => response.destroy())
      return
    }
    position = last.position
    events += allowed.length
    // A client whose position stood still behind events that it may not see would one day be told to start anew.
    const skipped = allowed.at(-1) === last ? '' : formatPosition(last.id)
    write(allowed.map(formatEvent).join('') + skipped)
  }

  const run = async () => {
    while (state === 'open') {
      hasMore = false
      const batch = await store.readAfter(user, position, batchLimit)
      if ((state as string) === 'over') return
      const next = batch[0]
      if (!next) await until(() => hasMore)
      // Trimmed away under a client that was too slow. It will come back with its id and be told (R4).
      else if (next.position !== position + 1) end('trimmed')
      else {
        await send(batch)
        await until(() => !response.writableNeedDrain)
      }
    }
  }

  run().catch((error: unknown) => {
    if (state === 'open') options.onError(error)
    drop('failed')
  })

  return {
    end,
    drop: () => drop('cut'),
    dropInNextEvent: () => {
      breaksNextEvent = true
    },
    counts: () => ({ events, buffered: response.writableLength }),
  }
}
