import type { EventHead } from '../shared/inspection.ts'
import { createRows, h } from './dom.ts'
import { clock, kindOf, size } from './format.ts'

/** The log's heads as a list box. */
export interface EventList {
  /** The column heads and the list box, in the order in which they are shown. */
  elements: [heading: HTMLElement, list: HTMLElement]
  /** @param heads the newest first; @param chosen the seq of the chosen one, `null` if there is none */
  show(heads: EventHead[], chosen: number | null): void
  /** Brings the row of this seq into view, if it is shown. */
  reveal(seq: number): void
}

/** Where a key leads from the place `at` of the list, of which `last` is the last. */
const STEPS: Record<string, (at: number, last: number) => number> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => Math.max(0, at - 1),
  PageDown: (at) => at + 10,
  PageUp: (at) => Math.max(0, at - 10),
  Home: () => 0,
  End: (_, last) => last,
}

const createHeading = () =>
  h(
    'div',
    { class: 'event heading muted', 'aria-hidden': 'true' },
    h('span', { class: 'number' }, 'Seq'),
    h('span', {}, 'Time'),
    h('span', {}, 'Type'),
    h('span', { class: 'id' }, 'ID'),
    h('span', { class: 'number' }, 'Size'),
  )

/** @param onChoose the user chose a head by click or key; `null`: the user pressed Escape */
export const createEventList = (onChoose: (head: EventHead | null) => void): EventList => {
  let shown: EventHead[] = []
  let chosen: number | null = null

  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && chosen !== null) return onChoose(null)
    const step = STEPS[event.key]
    if (step === undefined) return
    event.preventDefault()
    const at = shown.findIndex(({ seq }) => seq === chosen)
    const next = shown[Math.min(step(at, shown.length - 1), shown.length - 1)]
    if (next !== undefined) onChoose(next)
  }
  const list = h('div', {
    class: 'events',
    role: 'listbox',
    tabindex: '0',
    'aria-label': 'Events of the log, the newest first',
    keydown: onKey,
  })
  const rows = createRows<EventHead>(
    list,
    ({ seq }) => seq,
    (head) => {
      const element = h(
        'div',
        { class: 'event', role: 'option', id: `event-${head.seq}`, click: () => onChoose(head) },
        h('span', { class: 'mono number' }, String(head.seq)),
        h('span', { class: 'mono muted' }, clock(head.at)),
        h('span', { class: 'type' }, kindOf(head)),
        h('span', { class: 'mono muted id' }, head.id),
        h('span', { class: 'mono muted number', title: 'characters of data' }, size(head.size)),
      )
      return {
        element,
        show: ({ seq }) => element.setAttribute('aria-selected', String(seq === chosen)),
      }
    },
  )

  return {
    elements: [createHeading(), list],
    show(heads, seq) {
      shown = heads
      chosen = seq
      rows.show(heads)
      const active = seq === null ? undefined : rows.get(seq)?.id
      if (active === undefined) list.removeAttribute('aria-activedescendant')
      else list.setAttribute('aria-activedescendant', active)
      // ARIA gives a list box no meaning while it has no option.
      list.hidden = heads.length === 0
    },
    reveal(seq) {
      rows.get(seq)?.scrollIntoView?.({ block: 'nearest' })
    },
  }
}
