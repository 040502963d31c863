// Over 250 lines: the options and the loop that obeys them are read together.
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Read, StoredEvent } from '../store/event-store.ts'
import type { Feeds } from './feeds.ts'
import { followTopics, type TopicChange } from './followed-topics.ts'
import { openResponseBody } from './response-body.ts'
import { formatComment, formatEvent, formatEvents, formatMarker, formatPosition } from './sse-format.ts'

export interface EventStreamOptions {
  response: ServerResponse | Http2ServerResponse
  feeds: Feeds
  /** The topic that the client has without asking. Where something of it is lost, the stream ends. */
  own: string
  /** Topics that were asked for and granted. Null: the client has not asked for topics. */
  asked: readonly string[] | null
  /** Send what lies behind this id in these topics. */
  id: string
  /** Topics that begin behind another id. */
  begins: ReadonlyMap<string, string>
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
  /**
   * What is left is sent no more from now on. What is joined is sent from the place on at which the client is told: the
   * end of the order, or, of a client that lags, the last event that it was sent.
   */
  change(change: TopicChange): void
  counts(): { events: number; buffered: number }
}

/** Milliseconds between two tries of a store that fails, and up to as many more: streams must not try as one. */
const storeRetry = 500

/** Node runs a timer that is longer than 2^31 - 1 ms at once. */
const longestTimer = 2 ** 31 - 1

/**
 * Writes the events of some topics to one response, by the one order. Replay and live are the same loop: read behind the
 * position, write, wait for a wake-up. The store is the truth and a wake-up only a hint, so there is no hand-over between
 * replay and live at which an event could be lost or sent twice, and no queue that grows for a slow client.
 * The rejected alternative, pushing live events into each stream, needs both.
 */
export const openEventStream = (options: EventStreamOptions): EventStream => {
  // Over 80 lines: whatever reads, writes or ends does so by the same position and the same state.
  const { own, farewell = () => '', retry } = options
  let state: 'open' | 'over' = 'open'
  let position = options.id
  /** The last id that the client has. */
  let toldPosition = options.id
  let events = 0
  let told = retry?.told ?? null
  let breaksNextEvent = false
  let hasMore = true
  let failingSince: number | undefined
  let retryTimer: NodeJS.Timeout | undefined
  let isWaiting = false
  let rev = 0
  const changes: TopicChange[] = []

  const wake = () => {
    hasMore = true
    advance()
  }
  const topics = followTopics({ ...options, wake })

  const settle = (reason: EndReason): boolean => {
    if (state === 'over') return false
    state = 'over'
    options.onEnd(reason, events)
    return true
  }

  const drop = (reason: EndReason) => {
    settle(reason)
    body.destroy()
  }

  const fail = (error: unknown) => {
    if (state === 'open') options.onError(error)
    drop('failed')
  }

  const end = (reason: EndReason) => {
    if (settle(reason)) body.end(farewell(reason))
  }

  /** Nothing, if it is about what the client knows. */
  const formatRetryIfNew = (): string => {
    const now = retry?.now() ?? null
    if (!retry || now === null || (told !== null && now < told * 1.25 && now > told * 0.75)) return ''
    told = now
    return retry.format(now)
  }

  /** Of a quiet stream: an id that grew old would have topics that are joined later send what was long before. */
  const formatPositionIfNew = (): string => {
    if (!topics.isAsking() || position === toldPosition) return ''
    toldPosition = position
    return formatPosition(position)
  }

  const ping = setInterval(() => {
    // Behind a full buffer a ping would say nothing and add to it.
    if (state === 'open' && !body.isFull())
      body.write(formatComment('ping') + formatRetryIfNew() + formatPositionIfNew())
    // Makes good a wake-up that never came: a message between nodes can be lost.
    topics.expire(options.pingInterval / 2)
    wake()
  }, options.pingInterval)
  const expiry = setTimeout(end, Math.min(options.life, longestTimer), 'token-expired')

  const body = openResponseBody({
    ...options,
    onStall: () => drop('stalled'),
    onDrain: () => advance(),
    onClose() {
      settle('client-closed')
      clearInterval(ping)
      for (const timer of [expiry, retryTimer]) clearTimeout(timer)
      topics.leave()
    },
  })

  const tell = (statuses: TopicChange['statuses']) => {
    toldPosition = position
    body.write(formatMarker(position, rev, statuses))
  }

  /** All that was read is written. */
  const settleTopics = ({ more, head, lost }: Read) => {
    if (state === 'over') return
    if (!more && topics.isAsking()) {
      position = head
      topics.level()
    }
    const gone = lost.filter(topics.has)
    if (more) for (const topic of gone) topics.beginAt(topic, head)
    if (gone.length > 0) tell(Object.fromEntries(gone.map((topic) => [topic, 410])))
    for (const change of changes.splice(0)) {
      topics.apply(change)
      rev = change.rev
      tell(change.statuses)
      // What was appended to a topic just before the stream has subscribed to it.
      hasMore = true
    }
  }

  const sendAllowed = (read: Read, verdicts: readonly boolean[]) => {
    if (state === 'over') return
    const batch = read.events
    // A topic may have been left while somebody was asked.
    const isAllowed = ({ topic }: StoredEvent, index: number) => verdicts[index]! && topics.has(topic)
    // The batch itself where it can be: its text is there.
    const allowed = batch.every(isAllowed) ? batch : batch.filter(isAllowed)
    const last = batch.at(-1)!
    if (breaksNextEvent && allowed[0]) {
      const frame = Buffer.from(formatEvent(allowed[0], allowed[0].topic !== topics.unnamed()))
      settle('cut')
      body.breakOff(frame.subarray(0, frame.length >> 1))
      return
    }
    position = last.id
    toldPosition = position
    events += allowed.length
    // A client whose position stood still behind events that it may not see would one day be told to start anew.
    const skipped = allowed.at(-1) === last ? '' : formatPosition(last.id)
    body.write(formatEvents(allowed, topics.unnamed()) + skipped)
    options.onSent?.(allowed)
    settleTopics(read)
  }

  const take = (read: Read) => {
    failingSince = undefined
    // Trimmed under a client that was too slow, or wiped. It will come back with its id and be told (R4).
    if (read.lost.includes(own)) return end('position-lost')
    hasMore ||= read.more || (read.lost.length > 0 && topics.isAsking())
    if (read.events.length === 0) return settleTopics(read)
    const verdicts = read.events.map(options.authorize)
    if (verdicts.every((verdict) => typeof verdict === 'boolean')) sendAllowed(read, verdicts)
    else waitFor(Promise.all(verdicts), (settled) => sendAllowed(read, settled), fail)
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
    while (state === 'open' && hasMore && !isWaiting && !body.isFull()) {
      hasMore = false
      const read = topics.readAfter(position)
      if (read instanceof Promise) waitFor(read, take, tryAgain)
      else attempt(() => take(read))
    }
  }

  const first = formatRetryIfNew()
  if (first !== '') body.write(first)
  advance()

  return {
    end,
    drop: () => drop('cut'),
    dropInNextEvent: () => {
      breaksNextEvent = true
    },
    change(change) {
      if (state === 'over') return
      changes.push(change)
      if (change.left.length > 0) topics.drop(change.left)
      // A read tells where the order ends.
      topics.expire(0)
      wake()
    },
    counts: () => ({ events, buffered: body.buffered() }),
  }
}
