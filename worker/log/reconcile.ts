import { sharedUpTo } from './lineage.ts'
import type { Position } from './store.ts'

type Place = Pick<Position, 'epoch' | 'head' | 'term' | 'leader' | 'leaders'>

/** The log in this hub's memory. */
export interface MemoryLog extends Place {
  isLeading: boolean
  /** The term whose leader it is in line with; 0: none's. */
  alignedTerm: number
  /** seq of its oldest event in memory; head + 1 if there is none. */
  firstInMemory: number
}

export interface Reconciled {
  /** Another leader wrote the database: this hub leads no more (L3). */
  isDeposed: boolean
  /**
   * - `memory`: it is the newer log. It was written while there was no IndexedDB, and replaces what is stored.
   * - `stored`: what is stored takes the place of what is in memory.
   * - `both`: what is stored, and the events in memory that go on from it.
   */
  kept: 'memory' | 'stored' | 'both'
}

/**
 * What becomes of the log in memory and the one in IndexedDB, where they meet (D2, L3). Pure.
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
  // The memory may have gone on from before the end of what is stored, in the same epoch too.
  const hasParted = !isSameEpoch || (sharedUpTo(memory.leaders, stored.leaders) ?? 0) < stored.head
  if (hasHole || (isOlder && hasParted)) return { isDeposed, kept: 'memory' }

  // What an earlier leader relayed is not sure to be in the log of the one that wrote this.
  const goesOn = isSameEpoch && stored.term <= memory.alignedTerm && memory.head >= stored.head
  return { isDeposed, kept: goesOn ? 'both' : 'stored' }
}
