import { expect, test } from 'vitest'
import type { Happening, Metrics } from '../../../src/shared/inspection.ts'
import { createMetrics } from '../../../worker/base/metrics.ts'
import { connectionFigures, connectionRows } from '../../soak/connection-metrics.ts'

const state = (at: number, is: string): Happening => ({ at, what: 'state', is, note: '', times: 1 })

/** As a hub counts it. */
const metricsOf = (attempts: number, openedAfter: (number | null)[]): Metrics => {
  const metrics = createMetrics()
  for (let count = 0; count < attempts; count++) metrics.attempted()
  for (const lostFor of openedAfter) metrics.opened(lostFor)
  return metrics.snapshot(1)
}

const hub = {
  metrics: metricsOf(3, [null, 800]),
  timeline: [
    state(0, 'connecting'),
    state(9, 'open'),
    state(100, 'waiting'),
    state(300, 'connecting'),
    state(310, 'waiting'),
    state(890, 'connecting'),
    state(900, 'open'),
  ],
}
const missed = (cuts: { from: number; to: number }[]) =>
  connectionRows(connectionFigures([hub], cuts)).filter(({ isMet }) => !isMet)

test('a failed attempt is a cut’s only if it was under way during that cut', () => {
  expect(connectionFigures([hub], [{ from: 99, to: 305 }])).toMatchObject({ failed: 1, failedByCuts: 1 })
  expect(connectionFigures([hub], [{ from: 99, to: 299 }])).toMatchObject({ failed: 1, failedByCuts: 0 })
})

test('a failure that no cut explains misses the goal', () => {
  expect(missed([{ from: 99, to: 305 }])).toEqual([])
  expect(missed([]).map(({ metric }) => metric)).toEqual([expect.stringContaining('failed connections')])
})

test('a mean of 5 s misses the goal, by the counters and by the time lines', () => {
  const slow = {
    metrics: metricsOf(2, [null, 5_000]),
    timeline: [...hub.timeline.slice(0, 3), state(5_050, 'connecting'), state(5_100, 'open')],
  }
  const rows = connectionRows(connectionFigures([slow], []))
  expect(rows.map(({ isMet }) => isMet)).toEqual([true, false, false])
})

test('without a stream that was ever lost there is no mean, and the goal is missed', () => {
  const rows = connectionRows(
    connectionFigures([{ metrics: metricsOf(1, [null]), timeline: hub.timeline.slice(0, 2) }], []),
  )
  expect(rows.map(({ isMet }) => isMet)).toEqual([true, false, false])
})
