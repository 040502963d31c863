import { connect } from 'tabstream'
import type { Events } from './catalogue.ts'
import { watchConnections } from './connection-count.ts'
import { wireControls } from './controls.ts'
import { byId } from './dom.ts'
import { createEventList } from './event-list.ts'
import { askForLogIn } from './log-in-view.ts'
import type { Novel } from './novel.ts'
import { createNovelState } from './novel-state.ts'
import { createNovelView } from './novel-view.ts'
import { call, getAccessToken, onUserChange, restore } from './session.ts'
import { showLastEventId, showMessage, showStatus } from './status-view.ts'
import { workerScript } from './worker-script.ts'

const openStream = (user: string) =>
  connect<Events>('/api/v1/events/stream', {
    user,
    auth: { exchange: '/api/v1/auth/sse-token', getAccessToken },
    worker: { shared: (options) => new SharedWorker(workerScript(), { ...options, type: 'module' }) },
  })

const run = (user: string): void => {
  const stream = openStream(user)
  const list = createEventList()
  const showNovel = createNovelView()
  let novelId = ''

  const state = createNovelState({
    fetchNovel: async () => (await call<{ novel: Novel }>('GET', '/api/v1/novel')).novel,
    onChange: (novel) => {
      novelId = novel.id
      showNovel(novel)
    },
  })
  const refetch = () => state.refetch().catch((error: Error) => showMessage(error.message))

  stream.on('*', (_, { type, id, data }) => {
    list.event(type, id, data)
    showLastEventId(id)
    state.apply(type, data)
  })
  stream.onReset(({ reason }) => {
    list.note(`Reset (${reason}): the state is fetched again.`)
    refetch()
  })
  stream.onError(({ kind, message }) => list.note(`${kind}: ${message}`))
  stream.onStatus(showStatus)
  showStatus(stream.status)
  refetch()
  watchConnections(user)
  wireControls({ user, stream, novel: () => novelId })

  byId('user').textContent = user
  byId('who').hidden = false
  byId('demo').hidden = false
}

const start = async () => {
  const user = (await restore().catch(() => undefined)) ?? (await askForLogIn())
  run(user)
  // Log-in as somebody else included: a tab never goes on as the user before.
  onUserChange(() => location.reload())
}

start()
