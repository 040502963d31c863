import type { Happening } from '../shared/inspection.ts'
import { createRows, h, type Row, setText } from './dom.ts'
import { clock, short } from './format.ts'
import { createHistory, type Lived } from './history.ts'
import type { Panel, Snapshot } from './snapshot.ts'
import { createTimelineStrip, isFault } from './timeline-strip.ts'
import { toneOfHappening } from './tone.ts'

/** The hub keeps this many entries. */
const ENTRIES = 200
/** ms, by what they are called; the longest is as far back as entries reach. */
const RANGES: Record<string, number> = {
  '1 min': 60_000,
  '10 min': 600_000,
  '1 h': 3_600_000,
  all: Number.POSITIVE_INFINITY,
}

const isTab = ({ what }: Happening) => what === 'tab'
const KINDS: Record<string, (happening: Happening) => boolean> = {
  everything: () => true,
  'all but tabs': (happening) => !isTab(happening),
  faults: isFault,
  tabs: isTab,
}

const choice = (label: string, names: string[], chosen: string, onChange: () => void) =>
  h(
    'select',
    { 'aria-label': label, change: onChange },
    ...names.map((name) => h('option', { value: name, selected: name === chosen }, name)),
  )

const LABELS: Record<Happening['what'], string> = {
  hub: 'Hub',
  tab: 'Tab',
  error: 'Error',
  reset: 'Reset',
  state: 'State',
  role: 'Role',
  health: 'Health',
  resume: 'Resume',
  durable: 'Durable',
}

const createRow = (happening: Lived): Row<Lived> => {
  const { what, is, at } = happening
  const isError = what === 'error'
  const times = h('span', { class: 'badge' })
  const note = isError ? happening.note : short(happening.note)
  return {
    element: h(
      'li',
      {},
      h('span', { class: 'mono muted' }, clock(at)),
      h('span', { class: 'what' }, LABELS[what]),
      h('span', { class: 'state', 'data-tone': toneOfHappening(happening) }, is),
      times,
      h('span', { class: isError ? 'words' : 'words mono muted', title: happening.note }, note),
    ),
    show({ times: often }) {
      times.hidden = often === 1
      setText(times, `× ${often}`)
    },
  }
}

/** What was, also before anybody looked: states as a strip, faults as marks on it, and all of it as a list. */
export const createTimelinePanel = (): Panel => {
  const history = createHistory()
  let snapshot: Snapshot | null = null
  const kind = choice('Show', Object.keys(KINDS), 'everything', () => render())
  const range = choice('Range', Object.keys(RANGES), '10 min', () => render())
  const strip = createTimelineStrip()
  const list = h('ol', { class: 'happenings', reversed: true })
  const empty = h('p', { class: 'note muted' }, 'Nothing of this kind has happened.')
  const rows = createRows<Lived>(list, ({ key }) => key, createRow)

  const render = () => {
    const all = history.all()
    const found = all.filter(KINDS[kind.value]!)
    rows.show([...found].reverse())
    empty.hidden = found.length > 0
    strip.draw(all, snapshot?.at ?? 0, RANGES[range.value]!)
  }

  return {
    name: 'timeline',
    label: 'Time line',
    element: h(
      'div',
      { class: 'timeline' },
      h(
        'div',
        { class: 'tools' },
        h('span', { class: 'muted' }, 'Show'),
        kind,
        h('span', { class: 'muted' }, 'Strip'),
        range,
      ),
      strip.element,
      h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Happenings' }, list, empty),
    ),
    ask: () => ({ timeline: ENTRIES }),
    show(next) {
      snapshot = next
      if (next.inspection !== null) history.take(next.inspection)
      render()
    },
  }
}
