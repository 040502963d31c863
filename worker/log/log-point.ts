import type { Cursor } from '../../src/shared/events.ts'
import type { Lineage } from '../../src/shared/protocol.ts'

/** Where a log stood, as far as a tab or another hub knows. */
export interface LogPoint {
  cursor: Cursor
  lineage: Lineage
}
