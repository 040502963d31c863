import { isControl, ownOf } from '../../src/shared/control.ts'
import type { LoggedEvent, ResetReason } from '../../src/shared/events.ts'
import { afterControl } from './after-control.ts'
import { claimsAfter } from './claim-records.ts'
import type { LogCore } from './log-core.ts'
import { sizeOf } from './one-read.ts'
import { createOverlap } from './overlap.ts'
import type { Received } from './received.ts'

/** The share by which a rhythm may differ from the stored one: to store another one costs a transaction. */
const RHYTHM_SLACK = 0.1

/** What the hub that leads does with its log: it alone appends (L1). */
export interface Writer {
  /**
   * A connection has opened, whose events are appended next. @param isResumed whether it asked to resume after an id
   */
  connected(isResumed: boolean): Promise<void>
  /**
   * @param blocks asked for one at a time, once it is this change's turn: what is said of a topic depends on what the log
   *   says of the topic by then
   * @returns how many events were new; none unless this hub leads
   */
  append(blocks: Iterable<Received>): Promise<number>
  /**
   * Continuity is lost: the events go, and every tab is told before anything newer.
   *
   * @param lastEventId where the stream goes on. Default: where the log stands once it is this change's turn
   */
  restart(reason: ResetReason, lastEventId?: string): Promise<void>
  /** The server has shown this rhythm (S3), in ms, or none any more (`null`). Small changes are not stored. */
  keepRhythm(period: number | null): void
}

/** @param dedupe whether an event that a resumed connection repeats is dropped (D3) */
export const createWriter = (core: LogCore, dedupe: boolean): Writer => {
  const { platform, ledger, persistence, metrics, inTurn, onChange } = core
  const overlap = createOverlap(
    ledger.eventIds,
    (seq) => ledger.tail.at(seq) ?? Promise.resolve(core.read(seq - 1)).then(([event]) => event),
  )

  const append = async (blocks: Iterable<Received>): Promise<number> => {
    if (!ledger.isLeading) return 0
    const { position } = ledger
    const at = platform.now()
    const after = position.head
    const events: LoggedEvent[] = []
    let size = 0
    let isNothing = true
    for (const block of blocks) {
      isNothing = false
      const { id, type, data, topic } = block
      // An event that is not to enter the log must not end the overlap either.
      const isUnasked = topic !== null && !!type && ownOf(position.topics, topic)?.is !== 'live'
      const taken = !isUnasked && overlap.take(block)
      if (taken === true || (taken !== false && (await taken))) {
        // A repeated event does not move the position: a server that starts over must not pull it back.
        metrics.duplicate()
        continue
      }
      if (block.givenId !== null) position.lastEventId = block.givenId
      if (isUnasked) metrics.unasked()
      if (type === null || isUnasked) continue
      position.head += 1
      const hasOwnId = block.givenId !== null && block.givenId !== ''
      const event = { seq: position.head, id, hasOwnId, type, data, at, topic }
      ledger.keep(event)
      events.push(event)
      size += sizeOf(event)
      if (isControl(event)) position.topics = afterControl(position.topics, event)
      else metrics.event(type)
    }
    if (isNothing) return 0
    position.claims = claimsAfter(position.claims, after, events)
    ledger.touch()
    onChange({ after, events })
    persistence.trim()
    // Tabs are told of a control only once it is committed (TO3).
    if (events.some(isControl)) core.awaitCommit()
    else persistence.appended(size)
    return events.length
  }

  const restart = async (reason: ResetReason, lastEventId?: string) => {
    if (!ledger.isLeading) return
    const { position } = ledger
    const { epoch, head } = position
    ledger.position = {
      ...position,
      epoch: platform.uuid(),
      lastEventId: lastEventId ?? position.lastEventId,
      previous: { epoch, reason, at: platform.now() },
      epochStart: head,
    }
    ledger.forget(head)
    ledger.touch().trimBelow = head + 1
    metrics.reset()
    onChange({ after: head, events: [] })
    void persistence.commitSoon()
  }

  const keepRhythm = async (period: number | null) => {
    const { position } = ledger
    const isSame = period !== null && Math.abs(period - (position.rhythm ?? 0)) < period * RHYTHM_SLACK
    if (!ledger.isLeading || isSame || (period ?? undefined) === position.rhythm) return
    position.rhythm = period ?? undefined
    ledger.touch()
    void persistence.commitSoon()
  }

  return {
    keepRhythm: (period) => void inTurn(() => keepRhythm(period)),
    connected: (isResumed) => inTurn(async () => overlap.begin(isResumed && dedupe)),
    append: (blocks) => inTurn(() => append(blocks)),
    restart: (reason, lastEventId) => inTurn(() => restart(reason, lastEventId)),
  }
}
