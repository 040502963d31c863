import type { ClaimInspection } from '../shared/inspection.ts'
import { h, setText } from './dom.ts'
import { createField, createGroup } from './fields.ts'
import { ago, clock, count, duration, ofKey, short } from './format.ts'
import type { Panel } from './snapshot.ts'
import { toneOf, wordsOf } from './tone.ts'

const NONE = '–'

const wordsOfClaim = ({ topic, type, name, after, run }: ClaimInspection): string => {
  const what = [topic, type, name].filter((part) => part !== null).join(' / ')
  return `${what}: up to ${after}${run === null ? '' : `, handles ${run.seq}`}`
}

/** How the stream stands: all of the status, and where the log is. Over 80 lines: the list of the panel's fields. */
export const createStreamPanel = (): Panel => {
  const state = createField('State')
  const since = createField('Since')
  const health = createField('Health', 'good: no byte is overdue')
  const attempt = createField('Attempt', 'in a row, without 10 s of health')
  const nextAttempt = createField('Next attempt')
  const role = createField('Role', 'leader: the hub of this tab has the stream')
  const host = createField('Host', 'what runs the hub')
  const tabs = createField('Tabs', 'that the hub of this tab serves')
  const incarnation = createField('Incarnation', 'the random id of this run of the hub')
  const protocol = createField('Protocol')
  const resume = createField('Resume', 'what the server said of the last resumption')
  const durable = createField('Durable', 'whether events are committed to IndexedDB')
  const lastEventId = createField('Last event ID')
  const log = createField('Log holds')
  const committed = createField('Committed up to')
  const epoch = createField('Epoch', 'the identity of the log')
  const claims = createField('Claims', 'up to where each is settled, and which event is handled now')
  const url = createField('URL')
  url.element.classList.add('long')
  const user = createField('User')

  const kind = h('strong', {})
  const message = h('p', {})
  const details = h('p', { class: 'muted' })
  const error = h('div', { class: 'callout', 'data-tone': 'bad' }, kind, message, details)
  const element = h(
    'div',
    { class: 'stream' },
    error,
    h(
      'div',
      { class: 'groups' },
      createGroup('Connection', [state, since, health, attempt, nextAttempt]),
      createGroup('Hub', [role, host, tabs, incarnation, protocol]),
      createGroup('Continuity', [resume, durable, lastEventId, log, committed, epoch, claims]),
      createGroup('Key', [url, user]),
    ),
  )

  return {
    name: 'stream',
    label: 'Stream',
    element,
    show({ at, status, inspection }) {
      state.show(wordsOf(status), toneOf(status))
      since.show(`${clock(status.since)} · ${ago(status.since, at)}`)
      health.show(status.health, status.health === 'good' ? '' : 'warn')
      attempt.show(String(status.attempt))
      const due = status.nextAttemptAt
      nextAttempt.show(due === null ? NONE : due > at ? `in ${duration(due - at)}` : 'now')
      role.show(status.role)
      host.show(status.host)
      tabs.show(String(status.tabs))
      resume.show(status.resume, status.resume === 'reset' ? 'warn' : '')
      durable.show(status.durable ? 'yes' : 'no, in memory', status.durable ? '' : 'warn')
      lastEventId.show(status.lastEventId || NONE)
      error.hidden = status.error === null
      if (status.error !== null) {
        const { error } = status
        setText(kind, error.status === null ? error.kind : `${error.kind} · HTTP ${error.status}`)
        setText(message, error.message)
        const again = error.retryable ? 'tried again by itself' : 'not tried again by itself'
        const parts = [clock(error.at), `attempt ${error.attempt}`, again, error.cause ?? '']
        setText(details, parts.filter((part) => part !== '').join(' · '))
      }
      if (inspection === null) return
      incarnation.show(short(inspection.incarnation))
      protocol.show(String(inspection.protocol))
      const { first, head, committed: upTo, epoch: id } = inspection.log
      log.show(head < first ? 'nothing' : `${count(head - first + 1)} events · ${first} to ${head}`)
      committed.show(String(upTo), upTo < head ? 'busy' : '')
      epoch.show(short(id))
      claims.show(inspection.claims.map(wordsOfClaim).join(' · ') || 'none')
      const key = ofKey(inspection.key)
      url.show(key.url)
      user.show(key.user || 'the same for everybody')
    },
  }
}
