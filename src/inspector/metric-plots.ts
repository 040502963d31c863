import { h } from './dom.ts'
import { count, duration } from './format.ts'
import { createPlot, type Plot } from './plot.ts'
import type { Plotted } from './samples.ts'

/** The four plots of the metrics panel. */
export interface MetricPlots {
  element: HTMLElement
  draw(plotted: Plotted): void
  close(): void
}

const rate = (value: number) => (value < 10 ? String(Math.round(value * 10) / 10) : count(Math.round(value)))

const createPlots = () => ({
  events: createPlot({ title: 'Events a second', lines: [{ label: '', color: 'line-a' }], format: rate }),
  latency: createPlot({
    title: 'Delivery latency',
    lines: [
      { label: 'p50', color: 'line-a' },
      { label: 'p99', color: 'line-b' },
    ],
    format: duration,
  }),
  silence: createPlot({
    title: 'Since the last byte',
    lines: [{ label: '', color: 'line-c' }],
    format: duration,
  }),
  reconnections: createPlot({
    title: 'Reconnections',
    lines: [{ label: '', color: 'line-b' }],
    format: count,
    counts: true,
  }),
})

export const createMetricPlots = (): MetricPlots => {
  const element = h('div', { class: 'plots' })
  /** The plots are made when they are first looked at: a canvas that nobody sees costs memory. */
  let plots: ReturnType<typeof createPlots> | null = null
  const all = (): Plot[] => (plots === null ? [] : Object.values(plots))

  return {
    element,
    draw({ times, rate, p50, p99, silence, reconnections }) {
      if (plots === null) {
        plots = createPlots()
        element.replaceChildren(...all().map((plot) => plot.element))
      }
      plots.events.draw(times, [rate])
      plots.latency.draw(times, [p50, p99])
      plots.silence.draw(times, [silence])
      plots.reconnections.draw(times, [reconnections])
    },
    close() {
      for (const plot of all()) plot.close()
    },
  }
}
