import type { Happening } from '../shared/inspection.ts'
import { createRows, h, s, setText } from './dom.ts'
import { clock, duration, short } from './format.ts'
import { createHistory, type Lived, spansOf } from './history.ts'
import type { Panel, Snapshot } from './snapshot.ts'
import { toneOfHappening, toneOfState } from './tone.ts'

/** All that the hub keeps. */
const ENTRIES = 200
/** ms, by what they are called; the longest is as far back as entries reach. */
const RANGES: Record<string, number> = {
  '1 min': 60_000,
  '10 min': 600_000,
  '1 h': 3_600_000,
  all: Number.POSITIVE_INFINITY,
}
/** Units across the strip. */
const WIDTH = 1_000

const isTab = ({ what }: Happening) => what === 'tab'
const isFault = (happening: Happening) => ['bad', 'warn'].includes(toneOfHappening(happening))
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

/** What was, also before anybody looked: states as a strip, faults as marks on it, and all of it as a list. */
export const createTimelinePanel = (): Panel => {
  const history = createHistory()
  let snapshot: Snapshot | null = null
  const kind = choice('Show', Object.keys(KINDS), 'everything', () => render())
  const range = choice('Range', Object.keys(RANGES), '10 min', () => render())
  const strip = s('svg', {
    class: 'strip',
    viewBox: `0 0 ${WIDTH} 28`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  })
  const begin = h('span', {})
  const axis = h('div', { class: 'axis muted' }, begin, h('span', {}, 'now'))
  const list = h('ol', { class: 'happenings', reversed: true })
  const empty = h('p', { class: 'note muted' }, 'Nothing of this kind has happened.')
  const rows = createRows<Lived>(
    list,
    ({ key }) => key,
    (happening) => {
      const times = h('span', { class: 'badge' })
      const state = h('span', { class: 'state', 'data-tone': toneOfHappening(happening) }, happening.is)
      const note = happening.what === 'error' ? happening.note : short(happening.note)
      return {
        element: h(
          'li',
          {},
          h('span', { class: 'mono muted' }, clock(happening.at)),
          h('span', { class: 'what' }, LABELS[happening.what]),
          state,
          times,
          h(
            'span',
            { class: happening.what === 'error' ? 'words' : 'words mono muted', title: happening.note },
            note,
          ),
        ),
        show({ times: often }) {
          times.hidden = often === 1
          setText(times, `× ${often}`)
        },
      }
    },
  )

  const draw = (all: Lived[], now: number) => {
    // Of nothing before the first entry is anything known.
    const from = Math.min(now - 1_000, Math.max(now - RANGES[range.value]!, all[0]?.at ?? now))
    const x = (at: number) => Math.round(((Math.max(at, from) - from) / (now - from)) * WIDTH * 10) / 10
    const spans = spansOf(all, now)
      .filter(({ to }) => to > from)
      .map((span) =>
        s('rect', {
          class: 'span',
          'data-tone': toneOfState(span.state),
          x: x(span.from),
          y: 8,
          // One that is shorter than a pixel is still a fact.
          width: Math.max(1.2, x(span.to) - x(span.from)),
          height: 12,
        }),
      )
    const marks = all
      .filter((happening) => happening.at >= from && (happening.what === 'hub' || isFault(happening)))
      .filter(({ what }) => what !== 'state')
      .map((happening) =>
        s('rect', {
          class: 'fault',
          'data-tone': happening.what === 'hub' ? 'busy' : toneOfHappening(happening),
          x: Math.max(0, x(happening.at) - 1),
          y: 1,
          width: 2,
          height: 26,
        }),
      )
    strip.replaceChildren(...spans, ...marks)
    setText(begin, `${duration(now - from)} ago`)
  }

  const render = () => {
    const all = history.all()
    const found = all.filter(KINDS[kind.value]!)
    rows.show([...found].reverse())
    empty.hidden = found.length > 0
    draw(all, snapshot?.at ?? 0)
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
      h('div', { class: 'strip-box' }, strip, axis),
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
