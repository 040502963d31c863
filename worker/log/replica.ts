import { isControl } from '../../src/shared/control.ts'
import { afterControl } from './after-control.ts'
import { claimsAfter, newerClaims } from './claim-records.ts'
import { agreesUpTo } from './lineage.ts'
import type { Appended } from './log.ts'
import { type LogCore, skipTo } from './log-core.ts'
import type { Committed } from './persistence.ts'
import type { Position } from './store.ts'

/** Which log a leader speaks of. */
export interface Of {
  term: number
  epoch: string
}

/** What a hub that follows does with its log: it takes over what the leader relays (L2). */
export interface Replica {
  /** The leader has appended. @returns whether this log now has the events; if not, it lacks some from before them */
  receive(relayed: Appended & Of, lastEventId: string): Promise<boolean>
  /** The leader has committed: this log's account of the database follows. */
  committedBy(relayed: Committed & Of): Promise<void>
  /**
   * A leader says where its log stands. This log comes in line with the leader's.
   *
   * @param oldest seq of the leader's oldest event
   * @returns whether this log lacks events after its own head
   */
  align(leader: Position, oldest: number): Promise<boolean>
}

/** Takes over the log of a leader whose epoch is another. */
const adopt = async (core: LogCore, leader: Position, oldest: number): Promise<void> => {
  const { ledger, persistence, onChange } = core
  // The leader's log may hold events that this hub has not heard: tabs of the empty epoch are to read them.
  if (ledger.origin !== 'aligned' && ledger.position.head === 0) ledger.leaveOwnEpoch()
  // This comes first, so that whoever looks meanwhile finds the head to which `lastEventId` belongs.
  ledger.announcedHead = leader.head
  if (leader.previous?.epoch === ledger.position.epoch) {
    ledger.position = { ...leader }
    return skipTo(core, leader.epochStart)
  }
  await persistence.sync()
  if (leader.epoch === ledger.position.epoch) return onChange(null)
  ledger.position = { ...leader }
  skipTo(core, oldest - 1)
}

/** Follows another leader of the same epoch: what this log holds from after that leader's takeover goes. */
const goAlong = ({ ledger, onTruncate }: LogCore, { term, leader, leaders }: Position): void => {
  const { position, committedUpTo } = ledger
  const before = { ...position, committedUpTo }
  Object.assign(position, { term, leader, leaders })
  const agreed = agreesUpTo(position, before)
  if (position.head > agreed) ledger.cut(agreed)
  onTruncate()
}

export const createReplica = (core: LogCore): Replica => {
  const { ledger, persistence, metrics, inTurn, onChange } = core

  const isOurs = ({ term, epoch }: Of) => epoch === ledger.position.epoch && term === ledger.alignedTerm

  const receive = async ({ events, after, ...of }: Appended & Of, lastEventId: string): Promise<boolean> => {
    const { position } = ledger
    if (ledger.isLeading) return true
    if (!isOurs(of)) return false
    const newest = events.at(-1)?.seq ?? after
    if (newest >= ledger.announcedHead) {
      ledger.announcedHead = newest
      position.lastEventId = lastEventId
    }
    if (after > position.head) return false
    position.claims = claimsAfter(position.claims, position.head, events)
    for (const event of events) {
      if (event.seq <= position.head) continue
      position.head = event.seq
      ledger.keep(event)
      if (isControl(event)) position.topics = afterControl(position.topics, event)
      else metrics.event(event.type)
    }
    persistence.trim()
    onChange(null)
    return true
  }

  const committedBy = async ({ upTo, records, first: oldest, ...of }: Committed & Of) => {
    if (ledger.isLeading || !isOurs(of) || !persistence.isDurable()) return
    const last = ledger.records.last() ?? ledger.committedUpTo
    if (records[0] !== undefined && records[0].first > last + 1) {
      await persistence.sync()
      // The database may hold events that were never relayed to this hub, and the next event may be long in coming.
      onChange(null)
    } else ledger.records.add(records.filter(({ first }) => first > last))
    ledger.records.trim((record) => record.last < oldest)
    ledger.committedUpTo = Math.max(ledger.committedUpTo, Math.min(upTo, ledger.position.head))
    ledger.takenUpTo = ledger.committedUpTo
    persistence.trim()
    persistence.tellAwaited()
  }

  const align = async (leader: Position, oldest: number): Promise<boolean> => {
    const { term, leader: before, epoch } = ledger.position
    // A leader that was replaced, and wakes up, may speak before its successor does (L3).
    if (ledger.isLeading || leader.term < term) return false
    if (leader.epoch !== epoch) await adopt(core, leader, oldest)
    else if (leader.term > term || leader.leader !== before) goAlong(core, leader)
    ledger.origin = 'aligned'
    const { position } = ledger
    ledger.alignedTerm = position.term = leader.term
    // This log may still lack the leader's newest controls. They come with their events, and change nothing then.
    position.topics = leader.topics
    position.claims = newerClaims(position.claims, leader.claims)
    if (position.streamClient !== leader.streamClient) {
      position.streamClient = leader.streamClient
      // Tabs have to know the new `streamClient` before the next event: the leader may hang by then.
      onChange(null)
    }
    if (leader.head >= position.head) {
      ledger.announcedHead = leader.head
      position.lastEventId = leader.lastEventId
    }
    if (position.head < oldest - 1) skipTo(core, oldest - 1)
    return position.head < leader.head
  }

  return {
    receive: (relayed, lastEventId) => inTurn(() => receive(relayed, lastEventId)),
    committedBy: (relayed) => inTurn(() => committedBy(relayed)),
    align: (leader, oldest) => inTurn(() => align(leader, oldest)),
  }
}
