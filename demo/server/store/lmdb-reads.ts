import { formatEventId, parseEventId } from './event-id.ts'
import type { Lookup, Place, Read, ReadLimit, StoredEvent } from './event-store.ts'
import { type Databases, maxKey } from './lmdb-databases.ts'

/** Reads of several logs at one instant, by the one order. */
export const createReader = ({ logs, topics, places }: Databases, epoch: string) => {
  const last = () => places.get('last') ?? 0

  /** A place of this order that is not ahead of it. */
  const placeOf = (id: string): number | undefined => {
    const parsed = parseEventId(id)
    const isKnown = parsed?.epoch === epoch && parsed.stamp === undefined && parsed.position <= last()
    return isKnown ? parsed.position : undefined
  }

  /** The events behind a place, as they are wanted; each says in `isNext` whether nothing is missing before it. */
  function* behind(
    topic: string,
    place: number,
  ): Generator<{ event: StoredEvent; place: number; isNext: boolean }> {
    let former = place
    for (const { key, value } of logs.getRange({ start: [topic, place + 1], end: [topic, maxKey] })) {
      const { former: before, ...event } = value
      const at = key[1]
      yield { event: { ...event, topic, id: formatEventId(epoch, at) }, place: at, isNext: before <= former }
      former = at
    }
  }

  const lookup = (topic: string, id: string): Lookup => {
    const place = placeOf(id)
    if (place === undefined) return 'unknown'
    for (const { isNext } of behind(topic, place)) return isNext ? 'known' : 'trimmed'
    return (topics.get(topic)?.last ?? places.get('floor') ?? 0) <= place ? 'known' : 'trimmed'
  }

  const read = (asked: readonly Place[], limit: ReadLimit): Read => {
    const lost = new Set<string>()
    const open = asked.flatMap(({ topic, after, passesGaps = after === null }) => {
      if (!passesGaps && lookup(topic, after!) !== 'known') lost.add(topic)
      if (lost.has(topic)) return []
      const events = behind(topic, after === null ? 0 : (placeOf(after) ?? 0))
      const { value: next } = events.next()
      return next ? [{ topic, events, next, passesGaps }] : []
    })
    const begun = new Set<string>()
    /** The account of a publisher may have lost an event amid the log of a topic, or its last ones. */
    const isBroken = ({ topic, next, passesGaps }: (typeof open)[number]) =>
      !passesGaps && !next.isNext && begun.has(topic)
    const events: StoredEvent[] = []
    let characters = 0
    while (open.length > 0 && events.length < limit.events && characters < limit.characters) {
      const first = open.reduce((least, log) => (log.next.place < least.next.place ? log : least))
      if (isBroken(first)) lost.add(first.topic)
      else {
        begun.add(first.topic)
        events.push(first.next.event)
        characters += first.next.event.data.length
      }
      const { value: next } = lost.has(first.topic) ? { value: undefined } : first.events.next()
      if (next) first.next = next
      else {
        if (!first.passesGaps && topics.get(first.topic)!.last > first.next.place) lost.add(first.topic)
        first.events.return(undefined)
        open.splice(open.indexOf(first), 1)
      }
    }
    for (const log of open) log.events.return(undefined)
    const kept = lost.size === 0 ? events : events.filter(({ topic }) => !lost.has(topic))
    return { events: kept, more: open.length > 0, head: formatEventId(epoch, last()), lost: [...lost] }
  }

  return { last, read, lookup }
}
