import type { EventHead } from '../shared/inspection.ts'
import { createRows, h, setText } from './dom.ts'
import { clock, count, size } from './format.ts'
import { createHeads } from './heads.ts'
import { createPayloadView } from './payload-view.ts'
import type { Panel, Snapshot, Workplace } from './snapshot.ts'

/** Rows at first, and how many more a press of "Older" brings. */
const PAGE = 100

/** What the log holds: heads, the newest first, and a payload only of the one that is chosen. */
export const createLogPanel = ({ stream, say, copy }: Workplace): Panel => {
  const heads = createHeads(PAGE)
  const payload = createPayloadView({ copy, onClose: () => choose(null) })
  let shown = PAGE
  let chosen: EventHead | null = null
  let paused = false
  let loading = false
  let snapshot: Snapshot | null = null

  const filter = h('input', {
    type: 'search',
    placeholder: 'Filter by type',
    'aria-label': 'Filter by type',
    list: 'types',
    spellcheck: 'false',
    autocomplete: 'off',
    input: () => render(),
  })
  const types = h('datalist', { id: 'types' })
  const pause = h(
    'button',
    {
      type: 'button',
      'aria-pressed': 'false',
      click() {
        paused = !paused
        pause.setAttribute('aria-pressed', String(paused))
        pause.textContent = paused ? 'Resume' : 'Pause'
        render()
      },
    },
    'Pause',
  )
  const older = h('button', { type: 'button', click: () => void loadOlder() }, 'Older')
  const summary = h('span', { class: 'muted summary' })
  const list = h('div', {
    class: 'events',
    role: 'listbox',
    tabindex: '0',
    'aria-label': 'Events of the log, the newest first',
    keydown: (event: KeyboardEvent) => onKey(event),
  })
  const heading = h(
    'div',
    { class: 'event heading muted', 'aria-hidden': 'true' },
    h('span', { class: 'number' }, 'Seq'),
    h('span', {}, 'Time'),
    h('span', {}, 'Type'),
    h('span', { class: 'id' }, 'ID'),
    h('span', { class: 'number' }, 'Size'),
  )
  const empty = h('p', { class: 'note muted' })
  const rows = createRows<EventHead>(
    list,
    ({ seq }) => seq,
    (head) => {
      const element = h(
        'div',
        { class: 'event', role: 'option', id: `event-${head.seq}`, click: () => choose(head) },
        h('span', { class: 'mono number' }, String(head.seq)),
        h('span', { class: 'mono muted' }, clock(head.at)),
        h('span', { class: 'type' }, head.type),
        h('span', { class: 'mono muted id' }, head.id),
        h('span', { class: 'mono muted number', title: 'characters of data' }, size(head.size)),
      )
      return {
        element,
        show: ({ seq }) => element.setAttribute('aria-selected', String(seq === chosen?.seq)),
      }
    },
  )

  const visible = (): EventHead[] => {
    const wanted = filter.value.trim().toLowerCase()
    return heads.all().filter(({ type }) => type.toLowerCase().includes(wanted))
  }

  const render = () => {
    const found = visible()
    rows.show(found.slice(-shown).reverse())
    const known = new Set(heads.all().map(({ type }) => type))
    if (types.childElementCount !== known.size)
      types.replaceChildren(...[...known].sort().map((type) => h('option', { value: type })))
    const log = snapshot?.inspection?.log
    const holds = log === undefined ? 0 : log.head - log.first + 1
    setText(
      summary,
      `${count(Math.min(found.length, shown))} shown · ${count(holds)} in the log${paused ? ' · paused' : ''}`,
    )
    const more = found.length > shown || (log !== undefined && heads.hasOlder(log.first))
    older.disabled = !more || loading
    const active = chosen === null ? undefined : rows.get(chosen.seq)?.id
    if (active === undefined) list.removeAttribute('aria-activedescendant')
    else list.setAttribute('aria-activedescendant', active)
    // A list box without an option is none.
    list.hidden = found.length === 0
    empty.hidden = found.length > 0
    setText(
      empty,
      heads.all().length === 0
        ? 'The log is empty.'
        : 'No event of this type among those loaded. “Older” looks further back.',
    )
  }

  const choose = (head: EventHead | null) => {
    chosen = head
    render()
    if (head === null) return payload.hide()
    rows.get(head.seq)?.scrollIntoView?.({ block: 'nearest' })
    payload.show(
      head,
      stream.inspect({ data: head.seq }).then(({ data }) => data),
    )
  }

  const STEPS: Record<string, (at: number, last: number) => number> = {
    ArrowDown: (at) => at + 1,
    ArrowUp: (at) => Math.max(0, at - 1),
    PageDown: (at) => at + 10,
    PageUp: (at) => Math.max(0, at - 10),
    Home: () => 0,
    End: (_, last) => last,
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && chosen !== null) return choose(null)
    const step = STEPS[event.key]
    if (step === undefined) return
    event.preventDefault()
    const found = visible().slice(-shown).reverse()
    const at = found.findIndex(({ seq }) => seq === chosen?.seq)
    const next = found[Math.min(step(at, found.length - 1), found.length - 1)]
    if (next !== undefined) choose(next)
  }

  const loadOlder = async () => {
    shown += PAGE
    const before = heads.oldest()
    if (before === null || visible().length >= shown) return render()
    loading = true
    render()
    try {
      heads.prepend((await stream.inspect({ heads: { last: PAGE, before } })).heads)
    } catch (error) {
      say((error as Error).message)
    }
    loading = false
    render()
  }

  return {
    name: 'log',
    label: 'Log',
    element: h(
      'div',
      { class: 'log' },
      h('div', { class: 'tools' }, filter, types, pause, older, summary),
      h('div', { class: 'split' }, h('div', { class: 'scroll' }, heading, list, empty), payload.element),
    ),
    ask: () => (paused ? {} : { heads: heads.next() }),
    show(next) {
      snapshot = next
      if (next.inspection !== null && !paused) heads.take(next.inspection)
      render()
    },
  }
}
