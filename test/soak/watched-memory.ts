import type { Watched } from './memory-watch.ts'
import type { NodeProcess } from './node-process.ts'
import type { Seat } from './seat.ts'

const MEGABYTE = 1_000_000

/** After a collection, what is in use is known to the byte: little of it may be chance. */
const IN_USE = { share: 0.05, bytes: MEGABYTE }
/** Allocators give pages back late or never: what a collection frees may still be counted. */
const RESIDENT = { share: 0.1, bytes: 10 * MEGABYTE }
/** A whole browser, with its pages, what they have recorded, and its garbage. */
const BROWSER = { share: 0.15, bytes: 10 * MEGABYTE }

/** The memory of the node and of each hub. */
export const watchedMemory = (node: NodeProcess, seats: Seat[]): Watched[] => [
  { name: 'node in use', measure: async () => (await node.memory()).inUse, tolerance: IN_USE },
  { name: 'node resident', measure: async () => (await node.memory()).resident, tolerance: RESIDENT },
  ...seats.map(
    ({ name, browser, memory }): Watched =>
      browser === 'chromium'
        ? { name: `hub of ${name}`, measure: memory, tolerance: IN_USE }
        : { name: `browser of ${name}`, measure: memory, tolerance: BROWSER },
  ),
]
