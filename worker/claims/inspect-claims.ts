import type { ClaimRecords } from '../../src/shared/claims.ts'
import type { ClaimInspection } from '../../src/shared/inspection.ts'

/** Who claims what, and where each claim stands, for people. @param tabs of this hub that have a claim */
export const inspectClaims = (claims: ClaimRecords, tabs: (key: string) => string[]): ClaimInspection[] =>
  Object.entries(claims).map(([key, { topic, type, after, run }]) => ({
    topic,
    type,
    name: (JSON.parse(key) as [unknown, unknown, string | null])[2],
    after,
    run,
    tabs: tabs(key),
  }))
