/** An id names the store and the place in it: `3f9a01bc-42`. R1: ASCII, at most 64 bytes. */
export const formatEventId = (epoch: string, position: number): string => `${epoch}-${position}`

/** Undefined for anything that this server can't have sent. Position 0 is the start of a user's empty log. */
export const parseEventId = (id: string): { epoch: string; position: number } | undefined => {
  const match = /^([0-9a-f]{8})-(0|[1-9]\d{0,14})$/.exec(id)
  if (!match) return
  const [, epoch, position] = match
  return { epoch: epoch!, position: Number(position) }
}
