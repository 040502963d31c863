import { retryAfter } from '../attachment/retry.ts'
import type { Source } from '../core.ts'
import type { Listener, ListenOptions, StreamEvent } from '../delivery/listeners.ts'
import { runInShortTasks } from '../delivery/short-tasks.ts'
import type { LoggedEvent } from '../shared/events.ts'
import type { Place, ReadRequest } from '../shared/protocol.ts'
import type { ErrorData } from '../shared/status.ts'
import { isOver, type LogCore } from './log-core.ts'
import { isLost, leaderOf } from './places.ts'
import { type Past, readLog, receive } from './read.ts'

export interface JoinOptions extends Pick<ListenOptions, 'urgent'> {
  types: string[]
  from: ReadRequest['from']
}

/** Who gets old events, and then live ones. */
export interface Joining {
  take: Listener
  /** All that the log had is taken: what comes now is live. */
  joined?(): void
  /** Default: whatever the log has will do. Else nothing more is taken: there is a gap after `from`. */
  lost?(): void
}

/** A live event that waits for the older ones. */
interface Held {
  event: LoggedEvent
  leader: string | null
  payload: unknown
  heard: StreamEvent
}

/** The events up to `upTo` were taken out of the log; `told`: as `isLost` takes it. */
interface Floor {
  upTo: Place
  told: string | null
  taken: LoggedEvent[]
}

/** What tells an event under whatever seq. The server sends no event again that has no id of its own. */
const keyOf = ({ id, type, data, at, hasOwnId }: LoggedEvent): string =>
  JSON.stringify([id, type, data, hasOwnId || at])

/** The events of `all` without those of `out`, each as often as it stands there. */
const without = (all: LoggedEvent[], out: LoggedEvent[]): LoggedEvent[] => {
  const counts = new Map<string, number>()
  for (const event of out) counts.set(keyOf(event), (counts.get(keyOf(event)) ?? 0) + 1)
  return all.filter((event) => {
    const left = counts.get(keyOf(event)) ?? 0
    counts.set(keyOf(event), left - 1)
    return left <= 0
  })
}

/**
 * Old events out of the log, and then live ones: none twice, none missing, in order (ST2). The live ones are held until
 * the log has answered. The answer says up to where it goes, so that what is held or comes later is known for new.
 *
 * Over 80 lines: what is held, and up to where the log was read, change together.
 *
 * @returns ends it
 */
export const join = (
  core: LogCore,
  source: Source,
  { types, from, urgent = false }: JoinOptions,
  { take, joined, lost }: Joining,
): (() => void) => {
  /** `null`: the log has answered, and nothing is held any more. */
  let held: Held[] | null = []
  let floor: Floor | null = null
  /** Taken out of a log whose leader died: the next one may bring them live. */
  let again: LoggedEvent[] = []
  let resets = 0
  const leader = leaderOf(core.intake.lineage())
  let isEnded = false

  const end = () => {
    isEnded = true
    for (const off of offs) off()
  }
  const giveUp = () => {
    end()
    lost?.()
  }
  const isOut = () => isEnded || isOver(core, source)
  /** A listener that throws harms no other (D8). */
  const give: Listener = (payload, event) => {
    try {
      take(payload, event)
    } catch (error) {
      reportError(error)
    }
  }
  const isTaken = (event: LoggedEvent): boolean => {
    if (floor !== null) {
      if (!isLost(floor.upTo, core.intake.lineage(), floor.told)) {
        if (event.seq <= floor.upTo.seq) return true
      } else if (lost !== undefined) {
        giveUp()
        return true
      } else again = floor.taken.filter(({ hasOwnId }) => hasOwnId)
      floor = null
    }
    if (again.length === 0) return false
    const others = without(again, [event])
    const isAgain = others.length < again.length
    again = others
    return isAgain
  }
  const gate: Listener = (payload, heard) => {
    const event = core.dispatched()!
    if (held !== null) held.push({ event, leader: leaderOf(core.intake.lineage()), payload, heard })
    else if (!isTaken(event)) give(payload, heard)
  }

  /** Gives what the log had, then what is held beyond it. */
  const pass = async ({ upTo, events }: Past, told: string | null, before: number) => {
    const lineage = core.intake.lineage()
    // What the tab has heard of a leader that died may stand in the new leader's log again, under another seq.
    const isOfLost = ({ event, leader }: Held) => isLost({ ...upTo, seq: event.seq, leader }, lineage, leader)
    const heardOfLost = held!.filter(isOfLost).map(({ event }) => event)
    await runInShortTasks(
      without(events, heardOfLost),
      (event) => receive(core, event, give),
      () => isOut() || resets !== before,
    )
    if (isOut()) return
    const isLater = (each: Held) => resets !== before || isOfLost(each) || each.event.seq > upTo.seq
    const later = held!.filter(isLater)
    held = null
    if (resets === before) floor = { upTo, told, taken: events }
    for (const { payload, heard } of later) give(payload, heard)
    joined?.()
  }

  const readOnce = async (): Promise<void> => {
    const before = resets
    const past = await readLog(core, source, types.includes('*') ? '*' : types, from)
    if (isOut()) return
    // What was read may be from before the reset, and what was held is.
    if (resets !== before) return readOnce()
    const told = leaderOf(core.intake.lineage())
    if (lost === undefined || !('behind' in from)) return pass(past, told, before)
    const base = from.behind as Place
    // The next leader may bring again what was there before this tab began, which the tab takes for heard (D5).
    const isOther = leader !== null && past.upTo.leader !== leader
    const isMoved = base.leader !== past.upTo.leader && isLost(base, core.intake.lineage(), null)
    if (!past.isWhole || isOther || isMoved) return giveUp()
    // The place may lie ahead of what this tab was told: it is late, or hidden.
    return pass(base.seq > past.upTo.seq ? { ...past, upTo: base } : past, told, before)
  }
  const read = async (failures: number): Promise<void> => {
    try {
      await readOnce()
    } catch (error) {
      if (isOut()) return
      core.tell(error as ErrorData)
      setTimeout(() => void read(failures + 1), retryAfter(failures))
    }
  }

  const offs = [
    source.onReset(() => {
      resets++
      floor = null
      again = []
      if (held !== null) held = []
    }),
    ...types.map((type) => source.on(type, gate, { urgent })),
  ]
  void read(0)
  return end
}
