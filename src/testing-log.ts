import type { Remote } from 'comlink'
import { type Cursor, hasType, type LoggedEvent } from './shared/events.ts'
import { pack } from './shared/packed-events.ts'
import type { HubApi, Place, ShareAnswer, ShareOutcome } from './shared/protocol.ts'

type LogCalls = Pick<HubApi, 'read' | 'place' | 'share' | 'shared' | 'unshare' | 'unwanted' | 'ping'>

interface Load {
  key: string
  place: Place
  outcome: Promise<ShareOutcome>
  settle(outcome: ShareOutcome): void
}

/** The log of `createTestStream`: what a hub answers of it, with one tab and in memory. */
export interface TestLog {
  hub: Remote<HubApi>
  cursor(): Cursor
  append(event: LoggedEvent): void
  /** Nothing from before is read any more: of one topic; `null`: of all. */
  forget(topic: string | null): void
  /** What the hub waits for may have come. */
  look(): void
  /** Nothing is left of it. */
  clear(): void
}

/** @param isReady whether the stream is open, and this topic live */
export const createTestLog = (isReady: (topic: string | null) => boolean): TestLog => {
  let events: LoggedEvent[] = []
  let head = 0
  let startsAfter = 0
  let epoch = 0
  const topicStarts = new Map<string, number>()
  const loads = new Map<string, Load>()
  const kept = new Map<string, { value: unknown; place: Place }>()
  let waiting: (() => void)[] = []

  const placeAt = (seq: number): Place => ({ epoch: `test ${epoch}`, seq, leader: 'test' })
  const look = () => {
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }
  const change = () => new Promise<void>((resolve) => void waiting.push(resolve))
  const isAtLeast = (place: Place, at: Cursor | null) =>
    place.epoch === placeAt(0).epoch && place.seq >= (at?.seq ?? 0)

  const calls: { [Name in keyof LogCalls]: (...rest: Parameters<LogCalls[Name]>) => unknown } = {
    ping: () => ({ incarnation: 'test', attached: true }),
    async read({ topic, types, from }) {
      const start = Math.max(startsAfter, topicStarts.get(topic ?? '') ?? 0)
      const all = events.filter(
        (event) => event.seq > start && event.topic === topic && hasType(types, event.type),
      )
      const since = 'behind' in from ? from.behind.seq : 'after' in from ? seqOf(from.after) : undefined
      const given = 'last' in from ? all.slice(-from.last || all.length) : all
      return {
        cursor: placeAt(head),
        events: pack(since === undefined ? given : given.filter(({ seq }) => seq > since)),
        isWhole:
          'last' in from || ('behind' in from ? from.behind.epoch === placeAt(0).epoch : since !== undefined),
      }
    },
    async place(id, within) {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        look()
      }, within)
      while (seqOf(id) === undefined && !isLate) await change()
      clearTimeout(timer)
      const seq = seqOf(id)
      return seq === undefined ? null : placeAt(seq)
    },
    async share(key, { at, kept: keeps, topic }): Promise<ShareAnswer> {
      for (;;) {
        const running = loads.get(key)
        if (running !== undefined) {
          const outcome = await running.outcome
          if (!isAtLeast(running.place, at)) continue
          if (!outcome.ok) return { is: 'error', error: outcome.error }
          return { is: 'value', value: outcome.value, place: running.place }
        }
        const found = kept.get(key)
        if (keeps !== 'none' && found !== undefined && isAtLeast(found.place, at))
          return { is: 'value', ...found }
        if (keeps !== 'state' || isReady(topic)) break
        await change()
      }
      const place = placeAt(head)
      const { promise: outcome, resolve: settle } = withResolvers<ShareOutcome>()
      loads.set(key, { key, place, outcome, settle })
      return { is: 'run', load: key, place }
    },
    shared(id, outcome) {
      const load = loads.get(id)
      loads.delete(id)
      // As over a port: what cannot be cloned is shared with nobody.
      if (load !== undefined && outcome.ok)
        kept.set(id, { value: structuredClone(outcome.value), place: load.place })
      load?.settle(outcome)
      look()
    },
    unshare(key) {
      loads.get(key)?.settle({ ok: false, error: { name: 'AbortError', message: 'Nobody wants it.' } })
      loads.delete(key)
      look()
    },
    async unwanted(id) {
      const load = loads.get(id)
      while (load !== undefined && loads.get(id) === load) await change()
      return load !== undefined && !(await load.outcome).ok
    },
  }
  const seqOf = (id: string): number | undefined => events.findLast((event) => event.id === id)?.seq

  return {
    hub: calls as unknown as Remote<HubApi>,
    cursor: () => placeAt(head),
    append(event) {
      head = event.seq
      events.push(event)
      look()
    },
    forget(topic) {
      if (topic === null) {
        startsAfter = head
        epoch++
      } else topicStarts.set(topic, head)
      events = events.filter(
        ({ seq, topic }) => seq > Math.max(startsAfter, topicStarts.get(topic ?? '') ?? 0),
      )
      kept.clear()
    },
    look,
    clear() {
      events = []
      kept.clear()
      look()
    },
  }
}

const withResolvers = <Value>() => {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
