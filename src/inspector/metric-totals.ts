import type { Metrics } from '../shared/inspection.ts'
import { h } from './dom.ts'
import { createField, createGroup } from './fields.ts'
import { count, duration, size } from './format.ts'

/** The sums of the metrics panel: what has come together since the hub began. */
export interface MetricTotals {
  element: HTMLElement
  /** @param at ms since 1970, when the metrics were told */
  show(metrics: Metrics, at: number): void
}

/** Event types that are listed: a server may make up thousands. */
const TYPES = 12

/** A list of names and counts. */
const createTally = (label: string, none: string) => {
  const list = h('dl', {})
  const row = (name: string, value: string) =>
    h('div', { class: 'field' }, h('dt', {}, name), h('dd', {}, value))
  return {
    element: h('section', { class: 'group' }, h('h3', {}, label), list),
    show(entries: [string, number][]) {
      const rows = entries.map(([name, value]) => row(name, count(value)))
      list.replaceChildren(...(rows.length === 0 ? [row(none, '')] : rows))
    },
  }
}

export const createMetricTotals = (): MetricTotals => {
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
  const types = createTally('By type', 'none yet')
  const kinds = createTally('Errors by kind', 'none')

  return {
    element: h(
      'div',
      { class: 'groups' },
      createGroup('Stream', [attempts, connected, reconnected, missed, longest]),
      createGroup('Delivery', [received, bytes, duplicates, resets, errors]),
      types.element,
      kinds.element,
    ),
    show(metrics, at) {
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
      types.show(byType.slice(0, TYPES))
      kinds.show(Object.entries(metrics.errors.byKind))
    },
  }
}
