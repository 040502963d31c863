import type { EventHead } from '../shared/inspection.ts'
import { h, setText } from './dom.ts'
import { createEventList } from './event-list.ts'
import { count, kindOf } from './format.ts'
import { createHeads } from './heads.ts'
import { createLogTools } from './log-tools.ts'
import { createPayloadView } from './payload-view.ts'
import type { Panel, Snapshot, Workplace } from './snapshot.ts'

/** Rows at first, and how many more a press of "Older" brings. */
const PAGE = 100

/** What the log holds: heads, the newest first, and a payload only of the one that is chosen. */
export const createLogPanel = ({ stream, say, copy }: Workplace): Panel => {
  const heads = createHeads(PAGE)
  let shown = PAGE
  let chosen: EventHead | null = null
  let loading = false
  let snapshot: Snapshot | null = null

  const choose = (head: EventHead | null) => {
    chosen = head
    render()
    if (head === null) return payload.hide()
    list.reveal(head.seq)
    payload.show(
      head,
      stream.inspect({ data: head.seq }).then(({ data }) => data),
    )
  }
  const loadOlder = async () => {
    shown += PAGE
    const before = heads.oldest()
    if (before === null || tools.filtered(heads.all()).length >= shown) return render()
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

  const tools = createLogTools({ onChange: () => render(), onOlder: () => void loadOlder() })
  const list = createEventList(choose)
  const payload = createPayloadView({ copy, onClose: () => choose(null) })
  const empty = h('p', { class: 'note muted' })

  const render = () => {
    const found = tools.filtered(heads.all())
    list.show(found.slice(-shown).reverse(), chosen?.seq ?? null)
    const log = snapshot?.inspection?.log
    const holds = log === undefined ? 0 : log.head - log.first + 1
    const types = [...new Set(heads.all().map(kindOf))].sort()
    const paused = tools.paused() ? ' · paused' : ''
    const summary = `${count(Math.min(found.length, shown))} shown · ${count(holds)} in the log${paused}`
    const more = found.length > shown || (log !== undefined && heads.hasOlder(log.first))
    tools.show(types, summary, more && !loading)
    empty.hidden = found.length > 0
    const none = 'No event of this type among those loaded. “Older” looks further back.'
    setText(empty, heads.all().length === 0 ? 'The log is empty.' : none)
  }

  return {
    name: 'log',
    label: 'Log',
    element: h(
      'div',
      { class: 'log' },
      tools.element,
      h('div', { class: 'split' }, h('div', { class: 'scroll' }, ...list.elements, empty), payload.element),
    ),
    ask: () => (tools.paused() ? {} : { heads: heads.next() }),
    show(next) {
      snapshot = next
      if (next.inspection !== null && !tools.paused()) heads.take(next.inspection)
      render()
    },
  }
}
