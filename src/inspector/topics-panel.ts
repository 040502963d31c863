import type { Inspection } from '../shared/inspection.ts'
import { createRows, h, setText } from './dom.ts'
import { count, short } from './format.ts'
import type { Panel } from './snapshot.ts'
import type { Tone } from './tone.ts'

/** A topic that the log has, that the server refuses, or that a tab waits for. */
export interface TopicRow {
  name: string
  state: 'live' | 'refused' | 'joining'
  tone: Tone
  /** Since which seq. `null`: it is `joining`. */
  since: number | null
  /** What is known of it beside. */
  note: string
  /** The tabs that hold a handle, each with the types that it listens to. */
  wantedBy: string
}

/** @returns all topics of an inspection, by name */
export const topicRows = ({ log, sessions }: Pick<Inspection, 'log' | 'sessions'>): TopicRow[] => {
  const wants = sessions.flatMap(({ tab, follows }) =>
    Object.entries(follows.topics).map(([name, types]) => ({ name, tab, types })),
  )
  const names = new Set([...Object.keys(log.topics), ...wants.map(({ name }) => name)])
  return [...names].sort().map((name): TopicRow => {
    const by = wants.filter((want) => want.name === name)
    const wantedBy = by.map(({ tab, types }) => {
      const heard = types === '*' ? 'everything' : types.join(', ') || 'no type yet'
      return `${short(tab)} (${heard})`
    })
    const rest = { name, wantedBy: wantedBy.join(' · ') || 'no tab of this hub' }
    const record = Object.hasOwn(log.topics, name) ? log.topics[name] : undefined
    if (record === undefined)
      return { ...rest, state: 'joining', tone: 'busy', since: null, note: 'the server has not taken it yet' }
    const { since } = record
    if (record.is === 'refused')
      return { ...rest, state: 'refused', tone: 'bad', since, note: record.error.message }
    const note = record.confirmed ? 'the server said so' : 'the server says nothing of topics'
    return { ...rest, state: 'live', tone: record.confirmed ? 'good' : 'warn', since, note }
  })
}

/** Which tab wants which topic, since when the log has it, and what was refused. */
export const createTopicsPanel = (): Panel => {
  const body = h('tbody', {})
  const empty = h('p', { class: 'note muted' }, 'No topic has been joined.')
  const headings = ['Topic', 'State', 'Since seq', 'Note', 'Wanted by']
  const table = h(
    'table',
    { class: 'topics' },
    h('caption', { class: 'hidden' }, 'Topics of this stream'),
    h('thead', {}, h('tr', {}, ...headings.map((name) => h('th', { scope: 'col' }, name)))),
    body,
  )
  const rows = createRows<TopicRow>(
    body,
    ({ name }) => name,
    ({ name }) => {
      const state = h('span', { class: 'state' })
      const [since, note, wantedBy] = [h('td', {}), h('td', { class: 'wide' }), h('td', { class: 'wide' })]
      const head = h('th', { scope: 'row', class: 'wide', title: name }, name)
      return {
        element: h('tr', {}, head, h('td', {}, state), since, note, wantedBy),
        show(row) {
          setText(state, row.state)
          state.dataset.tone = row.tone
          setText(since, row.since === null ? '–' : count(row.since))
          setText(note, row.note)
          note.title = row.note
          setText(wantedBy, row.wantedBy)
          wantedBy.title = row.wantedBy
        },
      }
    },
  )

  return {
    name: 'topics',
    label: 'Topics',
    element: h('div', {}, table, empty),
    show({ inspection }) {
      const found = inspection === null ? [] : topicRows(inspection)
      rows.show(found)
      table.hidden = found.length === 0
      empty.hidden = found.length > 0
    },
  }
}
