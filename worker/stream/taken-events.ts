import type { Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import type { Received } from '../log/received.ts'

/** How long an event is remembered, in ms, and the most that are. Each costs one number, a hash of id and data. */
const REMEMBERED_FOR = 24 * 3_600_000
const MOST = 20_000

type TakenLog = Pick<Log, 'append' | 'restart'>

/**
 * Which signed events were taken, remembered beyond a reset (A5). Nobody signs a reset: whoever can write to the stream
 * can send one. A reset empties the log, by which the hub knows repeats (D3), and signed events could be played again.
 * This memory outlives the reset, and ends with the worker.
 */
export interface TakenEvents {
  /** The log through which this memory hears of what is taken, and of resets. */
  log: TakenLog
  /** After a change of leader, learns which events the log holds by now, and forgets those that the log has lost. */
  sync(): Promise<void>
  /** `held`: the event was taken since the last reset; `before`: it was taken before that; `null`: it was not taken. */
  find(id: string, data: string): 'held' | 'before' | null
}

export interface TakenEventsOptions {
  platform: Pick<Platform, 'now'>
  log: TakenLog & Pick<Log, 'read' | 'first' | 'lineage' | 'ready'>
  /** The types whose events are signed. */
  types: string[]
}

/**
 * 53 bits over id and data. A signed event can't be made to collide with another: its data is the signer's. The same
 * id with other data is another event, as after a server has lost its log.
 *
 * The hash is cyrb53: two 32-bit multiplicative hashes, mixed. Web Crypto would cost a promise for each event.
 */
const hash = (text: string): number => {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}

export const createTakenEvents = ({ platform, log, types }: TakenEventsOptions): TakenEvents => {
  const signed = new Set<string | null>(types)
  /** By `hash`, the oldest first. */
  const taken = new Map<number, { at: number; resets: number }>()
  let resets = 0
  /** The term for which `sync` has read the log. Later events of that term come by `append`. */
  let syncedTerm = -1

  const keyOf = (id: string, data: string) => hash(`${id}\n${data}`)

  const remember = (id: string, data: string) => {
    const at = platform.now()
    const key = keyOf(id, data)
    taken.delete(key)
    taken.set(key, { at, resets })
    for (const [oldest, entry] of taken) {
      if (taken.size <= MOST && at - entry.at < REMEMBERED_FOR) break
      taken.delete(oldest)
    }
  }

  function* remembered(blocks: Iterable<Received>): Iterable<Received> {
    for (const block of blocks) {
      const { givenId, type, data } = block
      if (givenId !== null && signed.has(type)) remember(givenId, data)
      yield block
    }
  }

  const sync = async () => {
    if (signed.size === 0) return
    await log.ready
    const { term } = log.lineage()
    if (term === syncedTerm) return
    // The new leader's log may lack events that were taken here (L3). Those may come again.
    for (const [key, entry] of taken) if (entry.resets === resets) taken.delete(key)
    for (let after = log.first() - 1; ; ) {
      const events = await log.read(after)
      if (events.length === 0) break
      for (const { id, type, data, hasOwnId } of events) if (hasOwnId && signed.has(type)) remember(id, data)
      after = events.at(-1)!.seq
    }
    syncedTerm = term
  }

  return {
    log: {
      append: (blocks) => log.append(remembered(blocks)),
      async restart(...args) {
        await sync()
        resets++
        await log.restart(...args)
      },
    },
    sync,
    find(id, data) {
      const entry = taken.get(keyOf(id, data))
      if (entry === undefined || platform.now() - entry.at >= REMEMBERED_FOR) return null
      return entry.resets === resets ? 'held' : 'before'
    },
  }
}
