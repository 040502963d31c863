import { h } from './dom.ts'
import { createMetricPlots } from './metric-plots.ts'
import { createMetricTotals } from './metric-totals.ts'
import type { Samples } from './samples.ts'
import type { Panel } from './snapshot.ts'

/** How the stream went since the inspector was opened, and what has come together since the hub began. */
export const createMetricsPanel = (samples: Samples): Panel => {
  const plots = createMetricPlots()
  const totals = createMetricTotals()
  const note = h(
    'p',
    { class: 'note muted' },
    'The hub of this tab follows: bytes, connections and silence are counted by the one that leads.',
  )

  return {
    name: 'metrics',
    label: 'Metrics',
    element: h('div', { class: 'metrics' }, plots.element, note, totals.element),
    show({ at, status, metrics }) {
      note.hidden = status.role === 'leader'
      plots.draw(samples.plotted())
      if (metrics !== null) totals.show(metrics, at)
    },
    close: plots.close,
  }
}
