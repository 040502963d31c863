import { byId, element } from './dom.ts'
import type { Chapter, Novel } from './novel.ts'
import { onceAFrame } from './once-a-frame.ts'

const statusWords: Record<Novel['status'], string> = {
  planning: 'being planned',
  writing: 'being written',
  finished: 'finished',
}

/** What the server's bursts of numbered events are about: nobody's task. */
const filler = 'filler'

interface Bar {
  id: string
  label: string
  percent: number
}

const barsOf = ({ planning, tasks }: Novel): Bar[] => [
  { id: 'planning', label: ['Genesis', ...planning.steps.slice(-1)].join(': '), percent: planning.percent },
  ...tasks.flatMap(({ id, label, percent }) => (id === filler ? [] : [{ id, label, percent }])),
]

/** Labelled bars, whose nodes stay while their values change. */
const createBars = () => {
  const place = byId('progress')
  const shown = new Map<string, { line: HTMLElement; set: (bar: Bar) => void }>()

  const create = () => {
    const line = element('label', '', 'bar')
    const [name, progress, figure] = [element('span'), element('progress'), element('span', '', 'percent')]
    progress.max = 100
    line.append(name, progress, figure)
    const set = ({ label, percent }: Bar) => {
      name.textContent = label
      progress.value = percent
      figure.textContent = `${Math.round(percent)} %`
    }
    return { line, set }
  }

  return (bars: readonly Bar[]): void => {
    for (const [id, { line }] of shown) {
      if (bars.some((bar) => bar.id === id)) continue
      line.remove()
      shown.delete(id)
    }
    for (const bar of bars) {
      const known = shown.get(bar.id) ?? create()
      shown.set(bar.id, known)
      known.set(bar)
      if (!known.line.isConnected) place.append(known.line)
    }
  }
}

const chapterWords = ({ words, draft }: Chapter) => `${words} words${draft > 0 ? `, draft ${draft}` : ''}`

/** Shows the novel, once a frame. A chapter that has not changed keeps its nodes, so a reader's selection survives. */
export const createNovelView = () => {
  const shown = new Map<string, { chapter: Chapter; section: HTMLElement }>()
  const chapters = byId('chapters')
  const showBars = createBars()
  let latest: Novel | undefined

  const renderChapter = (chapter: Chapter): HTMLElement => {
    const known = shown.get(chapter.id)
    if (known?.chapter === chapter) return known.section
    const section = element('section')
    section.append(
      element('h3', `${chapter.number}. ${chapter.title}`),
      element('p', chapterWords(chapter), 'words'),
      ...Array.from(chapter.paragraphs, (text) => element('p', text ?? '…')),
    )
    shown.set(chapter.id, { chapter, section })
    return section
  }

  const render = (novel: Novel) => {
    byId('title').textContent = novel.title || 'No novel yet'
    byId('author').textContent = novel.id
      ? `by ${novel.author}, ${statusWords[novel.status]}`
      : 'Nothing is written.'
    const workflow = byId('workflow')
    workflow.textContent = novel.id ? `workflow ${novel.workflow}` : 'no workflow'
    workflow.dataset.state = novel.workflow
    byId('start').setAttribute('aria-disabled', String(novel.workflow === 'running'))
    byId('stop').setAttribute('aria-disabled', String(novel.workflow !== 'running'))
    showBars(barsOf(novel))

    const readsTheEnd = chapters.scrollHeight - chapters.scrollTop - chapters.clientHeight < 40
    const sections = novel.chapters.map(renderChapter)
    sections.forEach((section, index) => {
      if (chapters.children[index] !== section)
        chapters.insertBefore(section, chapters.children[index] ?? null)
    })
    while (chapters.children.length > sections.length) chapters.lastElementChild?.remove()
    for (const id of shown.keys()) if (!novel.chapters.some((chapter) => chapter.id === id)) shown.delete(id)
    // Follows the writing, unless the reader has scrolled back.
    if (readsTheEnd) chapters.scrollTop = chapters.scrollHeight
  }

  const draw = onceAFrame(() => render(latest!))
  return (novel: Novel): void => {
    latest = novel
    draw()
  }
}
