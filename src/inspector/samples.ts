import type { Metrics } from '../shared/inspection.ts'

/** Five minutes of one a second. */
const KEPT = 300
/** ms between two samples beyond which nobody looked: the line breaks. */
const GAP = 5_000

export interface Sample {
  at: number
  /** Of the hub that counts: another one begins at zero. */
  incarnation: string
  metrics: Metrics
}

type Series = (number | null)[]

/** What the plots draw, over `times` in s since 1970. */
export interface Plotted {
  times: number[]
  /** Events a second since the sample before. */
  rate: Series
  p50: Series
  p99: Series
  /** ms since the last byte. */
  silence: Series
  /** In all, since the hub began. */
  reconnections: Series
}

/** The metrics as they went. */
export interface Samples {
  add(sample: Sample): void
  plotted(): Plotted
}

/** The metrics of the last minutes: a hub tells how things stand, and only who asks again and again sees how they went. */
export const createSamples = (): Samples => {
  let last: Sample | null = null
  let plotted: Plotted = { times: [], rate: [], p50: [], p99: [], silence: [], reconnections: [] }

  const push = (at: number, values: Omit<{ [Name in keyof Plotted]: number | null }, 'times'>) => {
    const keep = <Value>(series: Value[], value: Value) => [...series.slice(1 - KEPT), value]
    plotted = {
      times: keep(plotted.times, at / 1_000),
      rate: keep(plotted.rate, values.rate),
      p50: keep(plotted.p50, values.p50),
      p99: keep(plotted.p99, values.p99),
      silence: keep(plotted.silence, values.silence),
      reconnections: keep(plotted.reconnections, values.reconnections),
    }
  }

  return {
    add(sample: Sample) {
      const { at, incarnation, metrics } = sample
      const { deliveryLatency, lastByteAt, reconnections, eventsReceived } = metrics
      const before = last
      // The clock was set back: what comes belongs nowhere until it has caught up.
      if (before !== null && at <= before.at) return
      last = sample
      const follows = before !== null && before.incarnation === incarnation && at - before.at < GAP
      if (before !== null && !follows)
        push(at - 1, { rate: null, p50: null, p99: null, silence: null, reconnections: null })
      const since = follows ? before : null
      push(at, {
        rate:
          since === null
            ? null
            : ((eventsReceived.total - since.metrics.eventsReceived.total) * 1_000) / (at - since.at),
        p50: eventsReceived.total === 0 ? null : deliveryLatency.p50,
        p99: eventsReceived.total === 0 ? null : deliveryLatency.p99,
        silence: lastByteAt === null ? null : Math.max(0, at - lastByteAt),
        reconnections,
      })
    },
    plotted: () => plotted,
  }
}
