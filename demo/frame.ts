import { byId } from './dom.ts'
import { number } from './format.ts'
import { type Novel, noNovel } from './novel.ts'
import { createNovelState } from './novel-state.ts'
import { onceAFrame } from './once-a-frame.ts'
import { call } from './session.ts'
import { openTab } from './tab.ts'
import type { TabReport } from './tabs.ts'

/** Before the library's own, which then hears nothing: to it the frame is gone without a word. */
const silenceCrash = () =>
  addEventListener(
    'pagehide',
    (event) => {
      if (document.documentElement.dataset.ends === 'crashed') event.stopImmediatePropagation()
    },
    { capture: true },
  )

/** What is being written, on one line. */
const lineOf = ({ id, title, chapters }: Novel): string => {
  const chapter = chapters.at(-1)
  if (!id) return 'No novel yet'
  return chapter ? `${chapter.number}. ${chapter.title}` : title
}

const percentOf = ({ chapters }: Novel): number => {
  const chapter = chapters.at(-1)
  return chapter && chapter.length > 0 ? (100 * chapter.paragraphs.length) / chapter.length : 0
}

/** A tab that is shown in a frame of another: small, and without controls of its own. */
export const runFrame = async (user: string): Promise<void> => {
  silenceCrash()
  document.documentElement.classList.add('is-frame')
  byId('frame').hidden = false

  let own: TabReport | undefined
  let written = noNovel()
  const draw = onceAFrame(() => {
    byId('frame-novel').textContent = lineOf(written)
    byId('frame-words').textContent = written.chapters.at(-1)?.paragraphs.at(-1) ?? ''
    byId<HTMLProgressElement>('frame-progress').value = percentOf(written)
    if (!own) return
    byId('frame-name').textContent = document.title = `Tab ${own.number}`
    byId('frame-state').textContent = byId('frame-state').dataset.state = own.state
    const { received, lost, doubled } = own.account
    byId('frame-account').textContent = `${number(received)} received, lost ${lost}, doubled ${doubled}`
  })
  const novel = createNovelState({
    fetchNovel: async () => (await call<{ novel: Novel }>('GET', '/api/v1/novel')).novel,
    onChange: (now) => {
      written = now
      draw()
    },
  })
  const refetch = () => novel.refetch().catch(() => {})

  await openTab({
    user,
    kind: 'frame',
    onEvent: novel.apply,
    onReset: refetch,
    onError: () => {},
    onGone: () => {},
    onChange: (all, self) => {
      own = all.find((tab) => tab.number === self)
      draw()
    },
  })
  await refetch()
}
