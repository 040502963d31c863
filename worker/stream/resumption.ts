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
  // A Mercure hub answers with the id that it really resumed after, or `earliest` if it does not know that id.
  const resumedAfter = headers.get('mercure-last-event-id')?.trim()
  if (resumedAfter !== undefined) return resumedAfter === lastEventId.trim() ? 'continued' : 'reset'
  return 'unconfirmed'
}
