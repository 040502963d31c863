import type { ClaimRecord, ClaimRecords } from '../../src/shared/claims.ts'
import { isControl } from '../../src/shared/control.ts'
import type { LoggedEvent } from '../../src/shared/events.ts'

type Source = Pick<ClaimRecord, 'topic' | 'type'>

/** Whether a claim of these events has this one. */
export const isClaimed = ({ topic, type }: Source, event: LoggedEvent): boolean =>
  event.topic === topic && !isControl(event) && (type === '*' || event.type === type)

const mapRecords = (records: ClaimRecords, change: (record: ClaimRecord) => ClaimRecord): ClaimRecords =>
  Object.fromEntries(Object.entries(records).map(([key, record]) => [key, change(record)]))

/**
 * The accounts after these entries of the log. An account that was level with the log stays so, up to the first event
 * that is to be handled. Otherwise a quiet claim would seem to lack all that the log has trimmed.
 *
 * @param before the head before the entries
 */
export const claimsAfter = (
  records: ClaimRecords | undefined,
  before: number,
  events: LoggedEvent[],
): ClaimRecords | undefined => {
  const head = events.at(-1)?.seq
  if (records === undefined || head === undefined) return records
  return mapRecords(records, (record) => {
    if (record.after < before || record.after >= head) return record
    const first = events.find((event) => event.seq > record.after && isClaimed(record, event))
    return { ...record, after: first === undefined ? head : first.seq - 1 }
  })
}

/** The accounts in a log that ends here: what lies beyond is no part of it. */
export const claimsUpTo = (records: ClaimRecords | undefined, head: number): ClaimRecords | undefined =>
  records && mapRecords(records, (record) => (record.after > head ? { ...record, after: head } : record))

/** Of each account the newer record, of two sets of one log. */
export const newerClaims = (
  ours: ClaimRecords | undefined,
  theirs: ClaimRecords | undefined,
): ClaimRecords | undefined => {
  if (ours === undefined || theirs === undefined) return ours ?? theirs
  const newer = { ...theirs }
  for (const [key, record] of Object.entries(ours)) {
    const other = theirs[key]
    if (other === undefined || record.version > other.version) newer[key] = record
    // Both went along with the log since, as far as each has heard of it.
    else if (record.version === other.version && record.after > other.after) newer[key] = record
  }
  return newer
}
