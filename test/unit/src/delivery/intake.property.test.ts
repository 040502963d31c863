import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createIntake } from '../../../../src/delivery/intake.ts'
import type { LoggedEvent } from '../../../../src/shared/events.ts'

type Sent = { id: string | null; name: string }

/**
 * A server with `count` events of its own, a hub that logs and commits, and one tab, which comes once it has
 * logged `before` of them. What happens to them is a list of steps; `die` loses what the hub has logged
 * beyond its last commit.
 */
const simulate = (
  count: number,
  before: number,
  steps: { step: 'event' | 'ping' | 'deliver' | 'commit' | 'die'; size: number }[],
) => {
  const intake = createIntake()
  const taken: string[] = []
  let log: LoggedEvent[] = []
  let committed = 0
  let cursor = 0
  let sent = 0
  let pings = 0

  const append = ({ id, name }: Sent) => {
    const seq = log.length + 1
    log.push({
      seq,
      id: id ?? log.at(-1)?.id ?? '',
      hasOwnId: id !== null,
      topic: null,
      type: 'message',
      data: name,
      at: 0,
    })
  }
  const welcome = (seq: number) => {
    cursor = seq
    const id = log[seq - 1]?.id ?? ''
    intake.welcome(
      { epoch: 'e', seq },
      { term: 1, leaders: [], committedUpTo: committed, lastEventId: id, streamClient: 'client' },
    )
  }
  const deliver = (size: number) => {
    const events = log.slice(cursor, cursor + size)
    if (events.length === 0) return
    cursor = events.at(-1)!.seq
    for (const { data } of intake.take({
      epoch: 'e',
      rewind: null,
      to: cursor,
      term: 1,
      leaders: [],
      committedUpTo: committed,
      streamClient: 'client',
      lastEventId: events.at(-1)!.id,
      reset: null,
      topics: null,
      events,
    }))
      taken.push(data)
  }

  const ping = () => append({ id: null, name: `ping ${++pings}` })

  while (sent < before) {
    append({ id: `${++sent}`, name: `event ${sent}` })
    if (sent % 2 === 0) ping()
  }
  welcome(log.length)
  for (const { step, size } of steps) {
    if (step === 'event' && sent < count) append({ id: `${++sent}`, name: `event ${sent}` })
    // Without an id: no server sends it again, and it shifts what comes after it.
    if (step === 'ping') ping()
    if (step === 'deliver') deliver(size)
    if (step === 'commit') committed = Math.min(log.length, Math.max(committed, log.length - size))
    if (step === 'die') {
      log = log.slice(0, committed)
      // The server resumes after the last committed id.
      sent = Number(log.findLast(({ hasOwnId: own }) => own)?.id ?? 0)
      welcome(Math.min(intake.cursor()!.seq, committed))
    }
  }
  while (sent < count) append({ id: `${++sent}`, name: `event ${sent}` })
  for (let last = -1; cursor !== last; ) {
    last = cursor
    deliver(500)
  }
  return taken
}

it('D2 whatever instants hubs die at, having committed whatever prefix: each event since it came is taken exactly once', () => {
  const step = fc.record({
    step: fc.constantFrom('event', 'ping', 'deliver', 'deliver', 'commit', 'die'),
    size: fc.constantFrom(0, 0, 1, 2, 3),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.nat({ max: 8 }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (count, earlier, steps) => {
        const before = Math.min(earlier, count)
        const taken = simulate(count, before, steps as Parameters<typeof simulate>[2])
        const events = taken.filter((name) => name.startsWith('event'))
        expect(events).toEqual(Array.from({ length: count - before }, (_, at) => `event ${before + at + 1}`))
        const pings = taken.filter((name) => name.startsWith('ping'))
        expect(new Set(pings).size).toBe(pings.length)
      },
    ),
    { numRuns: 3_000 },
  )
})
