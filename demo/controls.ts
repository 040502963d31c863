import type { Stream } from 'tabstream'
import type { Events } from './catalogue.ts'
import { byId } from './dom.ts'
import { call, logOut } from './session.ts'
import { startOver } from './start-over.ts'
import { showMessage } from './status-view.ts'

export interface ControlsOptions {
  user: string
  stream: Stream<Events>
  /** The id of the novel on show. */
  novel: () => string
}

const onClick = (id: string, action: () => unknown) => {
  byId(id).addEventListener('click', async () => {
    try {
      await action()
    } catch (error) {
      showMessage((error as Error).message)
    }
  })
}

const drop = async (user: string) => {
  const response = await fetch('/debug/drop', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user }),
  })
  if (response.status === 404) throw new Error('The server only cuts connections if started with --dev.')
  const { dropped } = (await response.json()) as { dropped: number }
  showMessage(dropped === 1 ? 'The server cut 1 connection.' : `The server cut ${dropped} connections.`)
}

/** Everything that can be pressed once somebody is logged in. */
export const wireControls = ({ user, stream, novel }: ControlsOptions): void => {
  onClick('open-tab', () => window.open(location.href, '_blank', 'noopener'))
  onClick('drop', () => drop(user))
  onClick('start', () => call('POST', '/api/v1/pipeline', { action: 'start' }))
  onClick('stop', () => call('POST', '/api/v1/pipeline', { action: 'stop' }))
  onClick('start-over', async () => {
    stream.close()
    await startOver()
  })
  onClick('log-out', async () => {
    stream.close()
    await logOut()
    location.reload()
  })

  const form = byId<HTMLFormElement>('publish-form')
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const title = String(new FormData(form).get('title'))
    try {
      await call('POST', '/api/v1/events', { type: 'novel.updated', data: { id: novel(), title } })
      form.reset()
    } catch (error) {
      showMessage((error as Error).message)
    }
  })
}
