import { controlOf, isControl } from '../../src/shared/control.ts'
import type { LoggedEvent } from '../../src/shared/events.ts'
import type { EventHead, Inspection, InspectOptions } from '../../src/shared/inspection.ts'
import type { Log } from './log.ts'

type Heads = NonNullable<InspectOptions['heads']>

/** The most heads in one answer: a person reads a screenful, not a log. */
const MOST_HEADS = 500

const headOf = (event: LoggedEvent): EventHead => {
  const { seq, id, type, topic, at, data } = event
  return {
    seq,
    id,
    type,
    topic,
    control: isControl(event) ? controlOf(event).is : null,
    at,
    size: data.length,
  }
}

/** What the log holds, for people: no payload, and no more than was asked for (I1). */
export const readHeads = async (
  log: Pick<Log, 'first' | 'head' | 'read'>,
  { last, after = 0, before = log.head() + 1 }: Heads,
): Promise<EventHead[]> => {
  const heads: EventHead[] = []
  const end = Math.min(before, log.head() + 1)
  let seq = Math.max(log.first() - 1, after, end - 1 - Math.min(last, MOST_HEADS))
  while (seq < end - 1) {
    const events = await log.read(seq)
    // The events were trimmed, cut or dropped meanwhile.
    if (events.length === 0) break
    heads.push(...events.filter(({ seq }) => seq < end).map(headOf))
    seq = events.at(-1)!.seq
  }
  return heads
}

/** @returns `null`: the event is not in the log */
export const readData = async (log: Pick<Log, 'read'>, seq: number): Promise<string | null> => {
  const event = (await log.read(seq - 1))[0]
  return event?.seq === seq ? event.data : null
}

/** What the log has to say to people: where it stands, and of its events what was asked for. */
export const inspectLog = async (
  log: Log,
  { heads, data }: InspectOptions,
): Promise<Pick<Inspection, 'log' | 'heads' | 'data'>> => ({
  heads: heads === undefined ? [] : await readHeads(log, heads),
  data: data === undefined ? null : await readData(log, data),
  log: {
    epoch: log.epoch(),
    first: log.first(),
    head: log.head(),
    committed: log.committed(),
    durable: log.isDurable(),
    lastEventId: log.lastEventId(),
    newest: log.outlived().length,
    topics: log.position().topics ?? {},
  },
})
