import type { StreamEvent } from '../delivery/listeners.ts'
import type { ResetReason } from '../shared/events.ts'
import type { Off } from '../stream.ts'

/** What calls for a newer value. */
type Cause = StreamEvent | { reason: ResetReason }

/** Whose events keep a value right: a stream, or a handle of a topic. */
export interface Source {
  readonly status: { state: string }
  on(type: string, listener: (payload: unknown, event: StreamEvent) => void): Off
  onReset(listener: (reset: { reason: ResetReason }) => void): Off
  onStatus(listener: () => void): Off
}

/** What a stream does for all tabs: see `Stream`. */
export interface Sharing extends Source {
  share<Value>(
    key: string,
    load: (context: { signal: AbortSignal }) => Promise<Value>,
    options: { event?: Cause; signal?: AbortSignal },
  ): Promise<Value>
  seen(id: string, options: { signal?: AbortSignal; timeout?: number }): Promise<void>
}

export type Reducer = (value: unknown, payload: unknown, event: StreamEvent) => unknown

/** A value, where it comes from, and what events make of it. */
export interface Fed {
  stream: Sharing
  source: Source
  key: unknown
  load(context: { signal: AbortSignal }): Promise<unknown>
  on: Record<string, Reducer | 'invalidate'>
  position: ((value: unknown) => string | null) | undefined
}

/** What is known of one value in a cache. */
export interface Feed {
  /** How many `fetch` are under way. */
  loads(): number
  /** Whether something has called for a newer value. */
  isOutdated(): boolean
  /** Whether `source` has fed the value from before it was fetched, and nothing calls for a newer one. */
  isRight(source: Source): boolean
  /** The value is out of date. @param cause what a load must be newer than; default: nothing that is known */
  outdate(cause?: Cause): void
  /** The value as the server has it, with all events that came meanwhile (X7). */
  fetch(fed: Fed, signal: AbortSignal): Promise<unknown>
}

/** States in which a source is about to be heard. */
const SOON = ['idle', 'connecting', 'joining']
/** A server that is away must not hold a page up for longer. In ms. */
const PATIENCE = 1_000
/** For an event that the value has, and this tab has not yet. In ms. */
const LATE = 2_000
/** Of what `share` takes for a key. */
const LONGEST_KEY = 200

/** Resolves once events are heard, or will not be soon. */
const settled = (source: Source): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      off()
      clearTimeout(timer)
      resolve()
    }
    const look = () => {
      if (!SOON.includes(source.status.state)) done()
    }
    const off = source.onStatus(look)
    const timer = setTimeout(done, PATIENCE)
    look()
  })

export const isLive = ({ status: { state } }: Source): boolean => state === 'open' || state === 'live'
/** Whether nothing of it is heard any more. */
export const isOver = ({ status: { state } }: Source): boolean =>
  ['left', 'refused', 'closed', 'failed', 'superseded'].includes(state)

/** Equal keys have equal texts, whatever the order of their properties. */
const textOf = (key: unknown): string =>
  JSON.stringify(key, (_, value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )

const loadKey = async (key: unknown): Promise<string> => {
  const text = `query:${textOf(key)}`
  if (text.length <= LONGEST_KEY) return text
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `query:${[...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

export const createFeed = (): Feed => {
  let loads = 0
  let need: { cause?: Cause } | null = null
  /** Who has been heard since before the last fetch. */
  let fedBy: Source | null = null

  return {
    loads: () => loads,
    isOutdated: () => need !== null,
    isRight: (source) => need === null && fedBy === source,
    outdate(event) {
      need = event ? { cause: event } : {}
    },
    async fetch({ stream, source, key, load, on, position }, signal) {
      const held: { id: string; apply: (value: unknown) => unknown }[] = []
      const offs = Object.entries(on).map(([type, reduce]) =>
        source.on(type, (payload, event) => {
          if (reduce !== 'invalidate')
            held.push({ id: event.id, apply: (value) => reduce(value, payload, event) })
        }),
      )
      loads++
      try {
        await settled(source)
        const heard = isLive(source) ? source : null
        const asked = need
        // A stream that is over in this tab shares nothing, and the page is to work without it.
        const value = isOver(stream)
          ? await load({ signal })
          : await stream.share(await loadKey(key), load, {
              signal,
              ...(asked?.cause ? { event: asked.cause } : {}),
            })
        const id = position?.(value) ?? null
        const before = () => held.map((event) => event.id).lastIndexOf(id as string)
        // Either this tab had the event before the load, or it is still to come.
        if (id !== null && before() < 0) await stream.seen(id, { signal, timeout: LATE }).catch(() => {})
        if (need === asked) need = null
        fedBy = heard
        return held.slice(before() + 1).reduce((last, { apply }) => apply(last), value)
      } finally {
        loads--
        for (const off of offs) off()
      }
    },
  }
}
