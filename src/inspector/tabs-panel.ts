import type { Types } from '../shared/events.ts'
import type { SessionInspection } from '../shared/inspection.ts'
import { createRows, h, setText } from './dom.ts'
import { ago, count, short } from './format.ts'
import type { Panel } from './snapshot.ts'
import type { Tone } from './tone.ts'

const typesOf = (types: Types): string => {
  if (types === '*') return 'everything'
  return types.length === 0 ? 'nothing' : types.join(', ')
}

const follows = ({ follows: { types, topics }, urgent }: SessionInspection): string => {
  const joined = Object.keys(topics).length
  const all = joined === 0 ? '' : `, ${joined} ${joined === 1 ? 'topic' : 'topics'}`
  return typesOf(types) + all + (urgent.length === 0 ? '' : ` (urgent: ${typesOf(urgent)})`)
}

/** What the column of deliveries says of each state. */
const DELIVERY: Record<SessionInspection['state'], string> = {
  idle: 'idle',
  'held-back': 'held back',
  delivering: 'delivering',
  stalled: 'no acknowledgement',
}

/** What is seen of a tab. One that does not acknowledge is slow or frozen: a hub cannot tell the two apart. */
export const viewOf = ({ state, visible }: SessionInspection): [words: string, tone: Tone] => {
  if (state === 'stalled') return [visible ? 'stalled' : 'stalled, hidden', 'warn']
  return visible ? ['visible', 'good'] : ['hidden', 'idle']
}

/** The tabs of this hub: each a cursor. */
export const createTabsPanel = (): Panel => {
  const body = h('tbody', {})
  const note = h('p', { class: 'note muted' })
  const headings = ['Tab', 'View', 'Delivery', 'Cursor', 'Lag', 'Follows', 'Last ack', 'Attached']
  const numbers = new Set(['Cursor', 'Lag'])
  const table = h(
    'table',
    { class: 'tabs' },
    h('caption', { class: 'hidden' }, 'Tabs of this hub'),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...headings.map((name) => h('th', { scope: 'col', class: numbers.has(name) ? 'number' : '' }, name)),
      ),
    ),
    body,
  )
  let at = 0
  let own = ''
  const rows = createRows<SessionInspection>(
    body,
    ({ tab }) => tab,
    ({ tab }) => {
      const id = h('span', { class: 'mono' }, short(tab))
      const mine = h('span', { class: 'badge' }, 'this tab')
      const view = h('span', { class: 'state' })
      const cells = headings.map((name) =>
        h(name === 'Tab' ? 'th' : 'td', { class: numbers.has(name) ? 'number' : '' }),
      )
      const [name, seen, delivery, cursor, lag, types, ack, attached] = cells
      name!.setAttribute('scope', 'row')
      name!.setAttribute('title', tab)
      name!.append(id, ' ', mine)
      seen!.append(view)
      types!.className = 'wide'
      return {
        element: h('tr', {}, ...cells),
        show(session) {
          const [words, tone] = viewOf(session)
          mine.hidden = session.tab !== own
          setText(view, words)
          view.dataset.tone = tone
          setText(delivery!, DELIVERY[session.state])
          setText(cursor!, count(session.cursor.seq))
          setText(lag!, count(session.lag))
          lag!.dataset.tone = session.lag > 0 && session.state !== 'held-back' ? 'warn' : ''
          setText(types!, follows(session))
          types!.title = follows(session)
          setText(ack!, ago(session.lastAckAt, at))
          setText(attached!, ago(session.attachedAt, at))
        },
      }
    },
  )

  return {
    name: 'tabs',
    label: 'Tabs',
    element: h('div', {}, table, note),
    show({ at: now, status, inspection }) {
      at = now
      own = inspection?.tab ?? ''
      rows.show(inspection?.sessions ?? [])
      setText(
        note,
        status.host === 'worker'
          ? 'Each tab has a worker of its own here: this is what this tab’s serves. The others follow the one that leads.'
          : '',
      )
    },
  }
}
