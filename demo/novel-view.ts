import { byId, element } from './dom.ts'
import type { Chapter, Novel } from './novel.ts'

const statusWords: Record<Novel['status'], string> = {
  planning: 'being planned',
  writing: 'being written',
  finished: 'finished',
}

/** A labelled bar. */
const bar = (label: string, percent: number): HTMLElement => {
  const line = element('label', '', 'bar')
  const progress = element('progress')
  progress.max = 100
  progress.value = percent
  line.append(element('span', label), progress, element('span', `${Math.round(percent)} %`, 'percent'))
  return line
}

const chapterPercent = ({ paragraphs, length }: Chapter) =>
  length > 0 ? (100 * paragraphs.length) / length : 0

const chapterWords = ({ words, draft }: Chapter) => `${words} words${draft > 0 ? `, draft ${draft}` : ''}`

/** Shows the novel. A chapter that has not changed keeps its nodes, so a reader's selection survives. */
export const createNovelView = () => {
  const shown = new Map<string, { chapter: Chapter; section: HTMLElement }>()
  const chapters = byId('chapters')

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

  return (novel: Novel): void => {
    byId('title').textContent = novel.title || 'No novel yet'
    byId('author').textContent = novel.id ? `by ${novel.author}, ${statusWords[novel.status]}` : ''
    byId<HTMLButtonElement>('start').disabled = novel.workflow === 'running'
    byId<HTMLButtonElement>('stop').disabled = novel.workflow !== 'running'

    const { steps, percent } = novel.planning
    byId('progress').replaceChildren(
      ...(novel.id ? [bar(`Planning${steps.length > 0 ? `: ${steps.join(', ')}` : ''}`, percent)] : []),
      ...novel.chapters.map((chapter) =>
        bar(`Chapter ${chapter.number}: ${chapter.title}`, chapterPercent(chapter)),
      ),
    )

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
}
