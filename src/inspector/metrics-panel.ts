import { h } from './dom.ts'
import { createField, createGroup } from './fields.ts'
import { count, duration, size } from './format.ts'
import { createPlot, type Plot } from './plot.ts'
import type { createSamples } from './samples.ts'
import type { Panel } from './snapshot.ts'

/** Event types that are listed: a server may make up thousands. */
const TYPES = 12

const rate = (value: number) => (value < 10 ? String(Math.round(value * 10) / 10) : count(Math.round(value)))

/** How it went since the inspector was opened, and what has come together since the hub began. */
export const createMetricsPanel = (samples: ReturnType<typeof createSamples>): Panel => {
  const received = createField('Events received')
  const bytes = createField('Bytes received')
  const duplicates = createField('Duplicates dropped')
  const resets = createField('Resets of the log')
  const attempts = createField('Connections', 'that opened, of those attempted')
  const connected = createField('Mean connection')
  const reconnected = createField('Mean time to be back')
  const missed = createField('Heartbeats missed')
  const longest = createField('Longest silence', 'between two bytes of a stream, or until its end')
  const errors = createField('Errors')
  const types = h('dl', {})
  const kinds = h('dl', {})
  const plots = h('div', { class: 'plots' })
  const note = h(
    'p',
    { class: 'note muted' },
    'The hub of this tab follows: bytes, connections and silence are counted by the one that leads.',
  )
  /** Made when they are first looked at: a canvas that nobody sees costs memory. */
  let drawn: [Plot, Plot, Plot, Plot] | null = null

  const make = (): [Plot, Plot, Plot, Plot] => [
    createPlot({ title: 'Events a second', lines: [{ label: '', color: 'line-a' }], format: rate }),
    createPlot({
      title: 'Delivery latency',
      lines: [
        { label: 'p50', color: 'line-a' },
        { label: 'p99', color: 'line-b' },
      ],
      format: duration,
    }),
    createPlot({ title: 'Since the last byte', lines: [{ label: '', color: 'line-c' }], format: duration }),
    createPlot({
      title: 'Reconnections',
      lines: [{ label: '', color: 'line-b' }],
      format: count,
      counts: true,
    }),
  ]
  const tally = (list: HTMLElement, entries: [string, number][], none: string) =>
    list.replaceChildren(
      ...(entries.length === 0 ? [[none, Number.NaN] as const] : entries).map(([name, value]) =>
        h('div', { class: 'field' }, h('dt', {}, name), h('dd', {}, Number.isNaN(value) ? '' : count(value))),
      ),
    )
  const tallied = (label: string, list: HTMLElement) =>
    h('section', { class: 'group' }, h('h3', {}, label), list)

  return {
    name: 'metrics',
    label: 'Metrics',
    element: h(
      'div',
      { class: 'metrics' },
      plots,
      note,
      h(
        'div',
        { class: 'groups' },
        createGroup('Stream', [attempts, connected, reconnected, missed, longest]),
        createGroup('Delivery', [received, bytes, duplicates, resets, errors]),
        tallied('By type', types),
        tallied('Errors by kind', kinds),
      ),
    ),
    show({ at, status, metrics }) {
      note.hidden = status.role === 'leader'
      if (drawn === null) {
        drawn = make()
        plots.replaceChildren(...drawn.map(({ element }) => element))
      }
      const { times, rate, p50, p99, silence, reconnections } = samples.plotted()
      drawn[0].draw(times, [rate])
      drawn[1].draw(times, [p50, p99])
      drawn[2].draw(times, [silence])
      drawn[3].draw(times, [reconnections])
      if (metrics === null) return
      received.show(count(metrics.eventsReceived.total))
      bytes.show(size(metrics.bytesReceived))
      duplicates.show(count(metrics.duplicatesDropped))
      resets.show(count(metrics.resets), metrics.resets > 0 ? 'warn' : '')
      attempts.show(`${count(metrics.connectionsSuccessful)} of ${count(metrics.connectionsAttempted)}`)
      connected.show(duration(metrics.averageConnectionDuration))
      reconnected.show(duration(metrics.averageReconnectionTime))
      missed.show(count(metrics.missedHeartbeats), metrics.missedHeartbeats > 0 ? 'warn' : '')
      const silent = metrics.lastByteAt === null ? 0 : at - metrics.lastByteAt
      longest.show(duration(Math.max(metrics.longestSilence, silent)))
      errors.show(count(metrics.errors.total), metrics.errors.total > 0 ? 'bad' : '')
      const byType = Object.entries(metrics.eventsReceived.byType).sort(([, a], [, b]) => b - a)
      tally(types, byType.slice(0, TYPES), 'none yet')
      tally(kinds, Object.entries(metrics.errors.byKind), 'none')
    },
    close() {
      for (const plot of drawn ?? []) plot.close()
    },
  }
}
