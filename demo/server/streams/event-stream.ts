import type { ServerResponse } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'
import type { StoredEvent } from '../store/event-store.ts'
import type { Batch, Feeds } from './feeds.ts'
import { formatComment, formatEvent, formatEvents, formatPosition } from './sse-format.ts'

export interface EventStreamOptions {
  response: ServerResponse | Http2ServerResponse
  feeds: Feeds
  user: string
  /** Send what lies behind this id in the user's log. */
  id: string
  /** Milliseconds between signs of life (R2). */
  pingInterval: number
  /** A client that takes nothing for this many milliseconds is cut. It can resume later. */
  stallTimeout: number
  /** Milliseconds for which a store that fails is tried again. The stream says its pings meanwhile. */
  storePatience: number
  /** Milliseconds from now to the end of the stream's token. */
  life: number
  /** Asked for each event, replayed or live, at the moment that it would be sent. */
  authorize: (event: StoredEvent) => boolean | Promise<boolean>
  /**
   * The `retry:` of the moment, in milliseconds, and how this stream's is told. Told where it is much another than the
   * last one, at the beginning and with a ping: a node that is killed can't tell it then.
   */
  retry?: { told: number | null; now: () => number; format: (retry: number) => string }
  /** What a client is told last. */
  farewell?: (reason: EndReason) => string
  onSent?: (events: readonly StoredEvent[]) => void
  /** Once, when it is settled that the stream ends; `events` is how many were sent. */
  onEnd: (reason: EndReason, events: number) => void
  /** The store failed: once for each time that it begins to. */
  onError: (error: unknown) => void
}

/** Why a stream ended, as the audit log tells. */
export type EndReason =
  | 'client-closed'
  | 'token-expired'
  | 'revoked'
  | 'replaced'
  | 'lease-lost'
  | 'stalled'
  | 'position-lost'
  | 'failed'
  | 'cut'
  | 'server-closed'

export interface EventStream {
  /** Ends the body as HTTP wants it. A client that doesn't read is cut after `stallTimeout`. */
  end(reason: EndReason): void
  /** Destroys the socket, or resets the stream of HTTP/2: the client sees a broken body. */
  drop(): void
  /** The same, half-way through the next event. */
  dropInNextEvent(): void
  counts(): { events: number; buffered: number }
}

/** Milliseconds between two tries of a store that fails, and up to as many more: streams must not try as one. */
const storeRetry = 500

/** Node runs a timer that is longer than 2^31 - 1 ms at once. */
const longestTimer = 2 ** 31 - 1

/** The stream behind an answer of HTTP/2 has the ways of a Writable, which the answer itself lacks. */
const bodyOf = (response: ServerResponse | Http2ServerResponse) =>
  response instanceof Http2ServerResponse ? response.stream : response

/**
 * Writes one user's log to one response. Replay and live are the same loop: read behind the position, write,
 * wait for a wake-up. The store is the truth and a wake-up only a hint, so there is no hand-over between
 * replay and live at which an event could be lost or sent twice, and no queue that grows for a slow client.
 * The rejected alternative, pushing live events into each stream, needs both.
 */
export const openEventStream = (options: EventStreamOptions): EventStream => {
  const { stallTimeout, farewell = () => '', retry } = options
  const body = bodyOf(options.response)
  let state: 'open' | 'over' = 'open'
  let position = options.id
  let events = 0
  let told = retry?.told ?? null
  let breaksNextEvent = false
  let hasMore = true
  let failingSince: number | undefined
  let stallTimer: NodeJS.Timeout | undefined
  let retryTimer: NodeJS.Timeout | undefined
  let isWaiting = false

  const wake = () => {
    hasMore = true
    advance()
  }
  const feed = options.feeds.join(options.user, wake)

  const settle = (reason: EndReason): boolean => {
    if (state === 'over') return false
    state = 'over'
    options.onEnd(reason, events)
    return true
  }

  const destroy = () => {
    // Of HTTP/2: without a code the reset would read as "no error".
    if ('close' in body && 'rstCode' in body) body.close(constants.NGHTTP2_INTERNAL_ERROR)
    body.destroy()
  }

  const drop = (reason: EndReason) => {
    settle(reason)
    destroy()
  }

  const fail = (error: unknown) => {
    if (state === 'open') options.onError(error)
    drop('failed')
  }

  const watchForStall = () => {
    stallTimer ??= setTimeout(drop, stallTimeout, 'stalled')
  }

  const write = (text: string) => {
    if (!body.write(text)) watchForStall()
  }

  const end = (reason: EndReason) => {
    if (!settle(reason)) return
    const last = farewell(reason)
    if (last === '') body.end()
    else body.end(last)
    watchForStall()
  }

  /** Nothing, if it is about what the client knows. */
  const formatRetryIfNew = (): string => {
    const now = retry?.now() ?? null
    if (!retry || now === null || (told !== null && now < told * 1.25 && now > told * 0.75)) return ''
    told = now
    return retry.format(now)
  }

  const ping = setInterval(() => {
    // Behind a full buffer a ping would say nothing and add to it.
    if (state === 'open' && !body.writableNeedDrain) write(formatComment('ping') + formatRetryIfNew())
    // Makes good a wake-up that never came: a message between nodes can be lost.
    feed.expire(options.pingInterval / 2)
    wake()
  }, options.pingInterval)
  const expiry = setTimeout(end, Math.min(options.life, longestTimer), 'token-expired')

  body.on('drain', () => {
    clearTimeout(stallTimer)
    stallTimer = undefined
    advance()
  })

  body.on('close', () => {
    settle('client-closed')
    clearInterval(ping)
    for (const timer of [expiry, stallTimer, retryTimer]) clearTimeout(timer)
    feed.leave()
  })

  const sendAllowed = (batch: readonly StoredEvent[], verdicts: readonly boolean[]) => {
    if (state === 'over') return
    // The batch itself where it can be: its text is there.
    const allowed = verdicts.every(Boolean) ? batch : batch.filter((_, index) => verdicts[index])
    const last = batch.at(-1)!
    if (breaksNextEvent && allowed[0]) {
      const frame = Buffer.from(formatEvent(allowed[0]))
      settle('cut')
      body.write(frame.subarray(0, frame.length >> 1), destroy)
      return
    }
    position = last.id
    events += allowed.length
    // A client whose position stood still behind events that it may not see would one day be told to start anew.
    const skipped = allowed.at(-1) === last ? '' : formatPosition(last.id)
    write(formatEvents(allowed) + skipped)
    options.onSent?.(allowed)
  }

  const send = (batch: readonly StoredEvent[]) => {
    const verdicts = batch.map(options.authorize)
    if (verdicts.every((verdict) => typeof verdict === 'boolean')) sendAllowed(batch, verdicts)
    else waitFor(Promise.all(verdicts), (settled) => sendAllowed(batch, settled), fail)
  }

  const take = ({ events, more }: Batch) => {
    failingSince = undefined
    // Trimmed under a client that was too slow, or wiped. It will come back with its id and be told (R4).
    if (!events) return end('position-lost')
    if (events.length === 0) return
    hasMore ||= more
    send(events)
  }

  const tryAgain = (error: unknown) => {
    if (failingSince === undefined) options.onError(error)
    failingSince ??= performance.now()
    if (performance.now() - failingSince >= options.storePatience) return drop('failed')
    hasMore = false
    retryTimer = setTimeout(wake, storeRetry * (1 + Math.random()))
  }

  /** One thing at a time: there is no other until it is settled. */
  const waitFor = <T>(what: Promise<T>, use: (value: T) => void, failed: (error: unknown) => void) => {
    isWaiting = true
    const goOn = (run: () => void) => {
      isWaiting = false
      if (state === 'open') attempt(run)
      advance()
    }
    what.then(
      (value) => goOn(() => use(value)),
      (error: unknown) => goOn(() => failed(error)),
    )
  }

  const attempt = (run: () => void) => {
    try {
      run()
    } catch (error) {
      fail(error)
    }
  }

  /** As far as it gets without waiting: of ten thousand streams each promise would wait for its turn. */
  const advance = () => {
    while (state === 'open' && hasMore && !isWaiting && !body.writableNeedDrain) {
      hasMore = false
      const batch = feed.readAfter(position)
      if (batch instanceof Promise) waitFor(batch, take, tryAgain)
      else attempt(() => take(batch))
    }
  }

  const first = formatRetryIfNew()
  if (first !== '') write(first)
  advance()

  return {
    end,
    drop: () => drop('cut'),
    dropInNextEvent: () => {
      breaksNextEvent = true
    },
    counts: () => ({ events, buffered: body.writableLength }),
  }
}
