import type { Status } from 'tabstream'
import { byId } from './dom.ts'

export const showStatus = (status: Status): void => {
  const state = byId('state')
  const degraded = status.state === 'open' && status.health === 'degraded'
  state.textContent = degraded ? 'open, but silent' : status.state
  state.dataset.state = degraded ? 'degraded' : status.state
  byId('host').textContent = `${status.host}, ${status.role}`
  byId('tabs').textContent = String(status.tabs)
  byId('problem').textContent = status.state === 'open' ? '' : (status.error?.message ?? '')
  showLastEventId(status.lastEventId)
  byId('durable').textContent = status.durable ? 'yes' : 'no, in memory'
  document.title = `${status.state} · tabstream demo`
}

/** Apart from the status, which changes with the stream and not with every event. */
export const showLastEventId = (id: string): void => {
  byId('last-event-id').textContent = id || 'none yet'
}

/** What came of something that was pressed. */
export const showMessage = (text: string): void => {
  byId('message').textContent = text
}
