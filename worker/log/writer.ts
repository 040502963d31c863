import type { LoggedEvent, ResetReason } from '../../src/shared/events.ts'
import type { LogCore } from './log-core.ts'
import type { Received } from './received.ts'

/** A share by which a rhythm may differ from the one that is kept: each other one costs a transaction. */
const RHYTHM_SLACK = 0.1

/** What the hub that leads does with its log: it alone appends (L1). */
export interface Writer {
  /** @returns how many events were new; none unless this hub leads */
  append(blocks: Received[]): Promise<number>
  /**
   * Continuity is lost: the events go, and every tab is told before anything newer.
   *
   * @param lastEventId where the stream goes on; where it is, if left out: known only in turn
   */
  restart(reason: ResetReason, lastEventId?: string): Promise<void>
  /** The server has shown this rhythm (S3), in ms, or none any more (`null`). Small changes are not kept. */
  keepRhythm(period: number | null): void
}

export const createWriter = (core: LogCore): Writer => {
  const { platform, ledger, persistence, metrics, inTurn, onChange } = core

  const isDuplicate = async ({ id, type, data }: Received): Promise<boolean> => {
    for (const seq of ledger.eventIds.seqsOf(id)) {
      const held = ledger.tail.at(seq) ?? (await core.read(seq - 1))[0]
      if (held?.seq === seq && held.type === type && held.data === data) return true
    }
    return false
  }

  const append = async (blocks: Received[]): Promise<number> => {
    if (!ledger.isLeading) return 0
    const { position, eventIds } = ledger
    const at = platform.now()
    const after = position.head
    const events: LoggedEvent[] = []
    for (const block of blocks) {
      const { id, type, data } = block
      const hasOwnId = block.position !== null && block.position !== ''
      if (hasOwnId && type !== null && eventIds.seqsOf(id).length > 0 && (await isDuplicate(block))) {
        // The position stays as well: a server that starts over must not pull it back.
        metrics.duplicate()
        continue
      }
      if (block.position !== null) position.lastEventId = block.position
      if (type === null) continue
      position.head += 1
      const event = { seq: position.head, id, hasOwnId, type, data, at }
      ledger.keep(event)
      events.push(event)
      metrics.event(type)
    }
    ledger.touch()
    onChange({ after, events })
    persistence.trim()
    persistence.appended()
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
    append: (blocks) => inTurn(() => append(blocks)),
    restart: (reason, lastEventId) => inTurn(() => restart(reason, lastEventId)),
  }
}
