import type { Status } from '../../src/shared/status.ts'

/**
 * What the server's answer says of the resumption (D7, R4). Pure.
 *
 * @param lastEventId what the request asked to resume after
 * @param followsAnother whether a stream of this log was open before
 */
export const resumption = (
  headers: Headers,
  lastEventId: string,
  followsAnother: boolean,
): Status['resume'] => {
  const said = headers.get('stream-resume')?.trim().toLowerCase()
  if (said === 'reset') return 'reset'
  if (lastEventId === '') return followsAnother ? 'unconfirmed' : 'fresh'
  if (said === 'continue') return 'continued'
  // Mercure answers with the id that it really resumed after, `earliest` where the one asked for is unknown.
  const resumedAfter = headers.get('mercure-last-event-id')?.trim()
  if (resumedAfter !== undefined) return resumedAfter === lastEventId.trim() ? 'continued' : 'reset'
  return 'unconfirmed'
}
