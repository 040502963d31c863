/**
 * An id names the log and the place in it, `3f9a01bc-42`, and where nodes share a log also the stamp of the event
 * that is there: `3f9a01bc-42-lq2x9f4k` (redis-event-store.ts tells why). R1: ASCII, at most 64 bytes.
 */
export const formatEventId = (epoch: string, position: number, stamp?: string): string =>
  stamp === undefined ? `${epoch}-${position}` : `${epoch}-${position}-${stamp}`

export interface EventId {
  epoch: string
  position: number
  stamp: string | undefined
}

/** Undefined for anything that this server can't have sent. Position 0 is the beginning of a log. */
export const parseEventId = (id: string): EventId | undefined => {
  const match = /^([0-9a-f]{8})-(0|[1-9]\d{0,14})(?:-(0|[1-9a-z][0-9a-z]{0,9}))?$/.exec(id)
  if (!match) return
  const [, epoch, position, stamp] = match
  return { epoch: epoch!, position: Number(position), stamp }
}
