import { readFileSync } from 'node:fs'
import type { CatalogueEvent } from '../../catalogue.ts'

export interface ChapterText {
  title: string
  paragraphs: readonly string[]
}

/**
 * The opening of "Alice's Adventures in Wonderland" by Lewis Carroll (1865, in the public domain). A `#` line
 * starts a chapter; the first of the book is cut in two here, so that there is more to watch.
 */
export const readChapters = (): ChapterText[] =>
  readFileSync(new URL('./alice.txt', import.meta.url), 'utf8')
    .split(/^# /m)
    .slice(1)
    .map((text) => {
      const [title, ...paragraphs] = text.trim().split(/\n{2,}/)
      return { title: title!, paragraphs }
    })

const countWords = (text: string) => text.split(/\s+/).length

const planningSteps = ['premise', 'characters', 'setting', 'outline']

/** Everything that happens while a novel is written, in order. `run` tells this novel's ids from the last one's. */
export function* story(chapters: readonly ChapterText[], run: string): Generator<CatalogueEvent> {
  const novel = `novel-${run}`
  const session = `planning-${run}`
  const workflow = `workflow-${run}`

  yield { type: 'workflow.started', data: { id: workflow, name: 'Write a novel' } }
  yield {
    type: 'novel.created',
    data: { id: novel, title: 'Alice’s Adventures in Wonderland', author: 'Lewis Carroll' },
  }
  for (const [index, step] of planningSteps.entries()) {
    yield { type: 'genesis.step_completed', data: { session, step } }
    const percent = Math.round((100 * (index + 1)) / planningSteps.length)
    yield { type: 'genesis.progress', data: { session, percent } }
  }
  yield { type: 'genesis.session_completed', data: { session, steps: planningSteps.length } }
  yield { type: 'novel.status_changed', data: { id: novel, status: 'writing' } }

  for (const [index, chapter] of chapters.entries()) yield* writeChapter(chapter, index + 1, novel, run)

  yield { type: 'novel.status_changed', data: { id: novel, status: 'finished' } }
  yield { type: 'workflow.completed', data: { id: workflow } }
}

function* writeChapter(
  chapter: ChapterText,
  number: number,
  novel: string,
  run: string,
): Generator<CatalogueEvent> {
  const { title, paragraphs } = chapter
  const id = `chapter-${run}-${number}`
  const task = { id: `task-${run}-${number}`, label: `Chapter ${number}: ${title}` }
  let words = 0

  yield { type: 'chapter.created', data: { id, novel, number, title, paragraphs: paragraphs.length } }
  yield { type: 'task.status_changed', data: { ...task, status: 'running' } }
  for (const [paragraph, text] of paragraphs.entries()) {
    words += countWords(text)
    yield { type: 'chapter.updated', data: { id, paragraph, text, words } }
    const percent = Math.round((100 * (paragraph + 1)) / paragraphs.length)
    yield { type: 'task.progress_updated', data: { ...task, percent } }
  }
  yield { type: 'chapter.draft_created', data: { id, draft: 1, words } }
  yield { type: 'task.status_changed', data: { ...task, status: 'done' } }
}
