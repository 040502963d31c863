import { byId } from './dom.ts'
import { notice } from './notice.ts'
import type { Novel } from './novel.ts'
import { createNovelState } from './novel-state.ts'
import { createNovelView } from './novel-view.ts'
import { call } from './session.ts'

/** The novel on the page: what the events make of it, and what one can do about it. */
export const wireNovel = () => {
  const view = createNovelView()
  let novelId = ''

  const state = createNovelState({
    fetchNovel: async () => (await call<{ novel: Novel }>('GET', '/api/v1/novel')).novel,
    onChange(novel) {
      novelId = novel.id
      view(novel)
    },
  })

  const attempt = (work: () => Promise<unknown>) => work().catch((error: Error) => notice(error.message))
  const tell = (action: 'start' | 'stop') => call('POST', '/api/v1/pipeline', { action })

  for (const action of ['start', 'stop'] as const)
    byId(action).addEventListener('click', ({ currentTarget }) => {
      if ((currentTarget as HTMLElement).ariaDisabled !== 'true') void attempt(() => tell(action))
    })

  const form = byId<HTMLFormElement>('publish-form')
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const title = String(new FormData(form).get('title'))
    void attempt(async () => {
      await call('POST', '/api/v1/events', { type: 'novel.updated', data: { id: novelId, title } })
      form.reset()
    })
  })

  return {
    apply: state.apply,
    /** At the start and after a reset. What the log calls running, or has never begun, is made to run. */
    async refetch(): Promise<void> {
      await attempt(async () => {
        await state.refetch()
        const { id, workflow } = state.read()
        if (id === '' || workflow === 'running') await tell('start')
      })
    },
  }
}
