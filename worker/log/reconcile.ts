import { sharedUpTo } from './lineage.ts'
import type { Position } from './store.ts'

type Place = Pick<Position, 'epoch' | 'head' | 'term' | 'leader' | 'leaders'>

/** The log in this hub's memory. */
export interface MemoryLog extends Place {
  isLeading: boolean
  /** The term whose leader this log is in line with; 0: it is in line with none. */
  alignedTerm: number
  /** seq of its oldest event in memory; head + 1 if there is none. */
  firstInMemory: number
}

export interface Reconciled {
  /** Another leader wrote the database: this hub leads no more (L3). */
  isDeposed: boolean
  /**
   * - `memory`: the log in memory is the newer one, written while there was no IndexedDB. It replaces the stored log.
   * - `stored`: the stored log replaces the one in memory.
   * - `both`: the stored log, and the events in memory that follow its head.
   */
  kept: 'memory' | 'stored' | 'both'
}

/**
 * Which log goes on when this hub reads the database: the one in memory or the stored one (D2, L3). Pure.
 *
 * @param stored `undefined`: the database is new, or was cleared
 */
export const reconcile = (memory: MemoryLog, stored: Place | undefined): Reconciled => {
  if (stored === undefined) return { isDeposed: false, kept: 'memory' }
  const isSameEpoch = stored.epoch === memory.epoch
  const isAnothers = stored.leader !== memory.leader && stored.term >= memory.term
  const isDeposed = memory.isLeading && isAnothers
  const isLeading = memory.isLeading && !isDeposed

  const hasHole = isSameEpoch && memory.firstInMemory > stored.head + 1
  const isOlder = stored.term < memory.term || (isLeading && stored.term === memory.term)
  // Even in the same epoch, the log in memory may have gone on from before the stored head.
  const hasParted = !isSameEpoch || (sharedUpTo(memory.leaders, stored.leaders) ?? 0) < stored.head
  if (hasHole || (isOlder && hasParted)) return { isDeposed, kept: 'memory' }

  // If a later leader wrote the database, events that an earlier one relayed to this hub may be no part of its log.
  const goesOn = isSameEpoch && stored.term <= memory.alignedTerm && memory.head >= stored.head
  return { isDeposed, kept: goesOn ? 'both' : 'stored' }
}
