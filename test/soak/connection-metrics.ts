import type { HubRecord } from './hub-records.ts'
import { failedAttempts, overlaps, reconnections, type Span } from './hub-states.ts'
import type { Row } from './table.ts'

const MOST_FAILED = 0.01
/** ms */
const RECONNECTION = 5_000

export interface ConnectionFigures {
  attempted: number
  /** Attempts that led to no stream, by the hubs' own counters, whatever the reason. */
  failed: number
  /** Those that were under way at some moment of a cut, by the hubs' time lines. */
  failedByCuts: number
  /** Streams that were opened after another one, renewals included, by the hubs' own counters. */
  reopened: number
  /** ms on average, by the hubs' own counters, renewals included. */
  meanReopening: number
  /** ms each, from the loss of a stream to the next one open, by the hubs' time lines: without renewals. */
  reconnections: number[]
}

const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0)

export const connectionFigures = (hubs: HubRecord[], cuts: readonly Span[]): ConnectionFigures => {
  const attempted = total(hubs.map(({ metrics }) => metrics.connectionsAttempted))
  const successful = total(hubs.map(({ metrics }) => metrics.connectionsSuccessful))
  const reopened = total(hubs.map(({ metrics }) => metrics.reconnections))
  const reopening = total(hubs.map(({ metrics }) => metrics.reconnections * metrics.averageReconnectionTime))
  const failures = hubs.flatMap(({ timeline }) => failedAttempts(timeline))
  return {
    attempted,
    failed: attempted - successful,
    failedByCuts: failures.filter((failure) => cuts.some((cut) => overlaps(failure, cut))).length,
    reopened,
    meanReopening: reopening / reopened,
    reconnections: hubs.flatMap(({ timeline }) => reconnections(timeline)).map(({ from, to }) => to - from),
  }
}

const milliseconds = (ms: number) => `${Math.round(ms)} ms`

export const connectionRows = (figures: ConnectionFigures): Row[] => {
  const { attempted, failed, failedByCuts, reopened, meanReopening, reconnections: all } = figures
  const own = failed - failedByCuts
  const share = own / (attempted - failedByCuts)
  const mean = total(all) / all.length
  return [
    {
      metric: 'failed connections, without those that a cut hit',
      measured: `${(100 * share).toFixed(1)} % (${own} of ${attempted - failedByCuts}; a cut hit ${failedByCuts} more)`,
      goal: 'under 1 %',
      isMet: share < MOST_FAILED,
    },
    {
      metric: 'mean reconnection, by metrics()',
      measured: `${milliseconds(meanReopening)} (${reopened}, renewals included)`,
      goal: 'under 5 s',
      isMet: meanReopening < RECONNECTION,
    },
    {
      metric: 'mean reconnection after a loss',
      measured: `${milliseconds(mean)} (${all.length}, longest ${milliseconds(Math.max(...all))})`,
      goal: 'under 5 s',
      isMet: mean < RECONNECTION,
    },
  ]
}
