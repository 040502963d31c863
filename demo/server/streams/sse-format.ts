import { markerType } from '../publish/event-rules.ts'
import type { StoredEvent } from '../store/event-store.ts'

/**
 * HTML Standard 9.2.6: each line of the payload needs a `data` field of its own, whatever ends it. The topic's name is in a
 * comment line (R7), which every parser passes over.
 *
 * @param isNamed whether the event names its topic
 */
export const formatEvent = ({ id, topic, type, data }: StoredEvent, isNamed: boolean): string =>
  `${isNamed ? `: topic ${topic}\n` : ''}id: ${id}\nevent: ${type}\n${data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`

const formatted = new WeakMap<readonly StoredEvent[], { unnamed: string | null; text: string }>()

/**
 * Once for all streams that are given the same batch (feeds.ts) and name the same topics.
 *
 * @param unnamed the topic whose events do not name it: who has not asked for it takes such a name for another one's
 */
export const formatEvents = (events: readonly StoredEvent[], unnamed: string | null): string => {
  const known = formatted.get(events)
  if (known?.unnamed === unnamed) return known.text
  const text = events.map((event) => formatEvent(event, event.topic !== unnamed)).join('')
  formatted.set(events, { unnamed, text })
  return text
}

/** What has become of topics, from this place of the order on (R7). */
export const formatMarker = (id: string, rev: number, topics: Readonly<Record<string, number>>): string =>
  `event: ${markerType}\nid: ${id}\ndata: ${JSON.stringify({ rev, topics })}\n\n`

/** A comment dispatches nothing, but any byte is a sign of life (R2). */
export const formatComment = (text: string): string => `: ${text}\n\n`

/** A block without data moves the client's position and dispatches no event (9.2.6, "dispatch the event"). */
export const formatPosition = (id: string): string => `id: ${id}\n\n`

/** How long a client waits before it comes back, from now on: milliseconds. */
export const formatRetry = (milliseconds: number): string => `retry: ${milliseconds}\n\n`
