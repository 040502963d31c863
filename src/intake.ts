import type { Batch, Cursor, LoggedEvent, Trail } from './protocol.ts'

/** How many uncommitted events a tab remembers: without IndexedDB none is ever committed. */
const REMEMBERED = 10_000

const identityOf = ({ id, type, data }: LoggedEvent): string => `${id}\n${type}\n${data}`

/**
 * What a tab has taken, so that it takes nothing twice (D2). Within one log the seq tells. Beyond what the
 * log had committed, the next hub counts anew, and only the event itself can: its id, type and data.
 */
export const createIntake = () => {
  let cursor: Cursor | null = null
  let trail: Trail | null = null
  /** Taken, with an id of their own, and not known to be committed. */
  let uncommitted: LoggedEvent[] = []
  /** Of those, what the present hub has never seen: it may come again under another seq. */
  const ghosts = new Set<string>()

  const isOf = (epoch: string) => cursor?.epoch === epoch
  /** seqs of one log say nothing of another's. */
  const enter = (epoch: string) => {
    if (isOf(epoch)) return
    ghosts.clear()
    uncommitted = []
  }

  /** Another log, or what is left of this one, goes on from here. */
  const resumeAt = (from: Cursor) => {
    enter(from.epoch)
    for (const event of uncommitted) if (event.seq > from.seq) ghosts.add(identityOf(event))
    cursor = from
  }

  return {
    cursor: () => cursor,
    trail: () => trail,
    /** A hub goes on from here. */
    welcome(from: Cursor, told: Trail) {
      resumeAt(from)
      trail = told
    },
    /** @returns the events of the batch that are new to this tab, in order */
    take({ epoch, rewind, to, term, leader, durable, id, events }: Batch): LoggedEvent[] {
      if (rewind !== null) resumeAt({ epoch, seq: rewind })
      enter(epoch)
      const after = isOf(epoch) ? cursor!.seq : 0
      const later = events.filter(({ seq }) => seq > after)
      const fresh = later.filter(
        (event) => !(ghosts.size > 0 && event.own && ghosts.delete(identityOf(event))),
      )
      // Ghosts too, under their new seq: this hub may die as well before it has committed them.
      uncommitted = [...uncommitted, ...later]
        .filter(({ own, seq }) => own && seq > durable)
        .slice(-REMEMBERED)
      cursor = { epoch, seq: Math.max(after, to) }
      trail = { term, leader, durable, id: to < after ? (trail?.id ?? null) : id }
      return fresh
    },
  }
}
