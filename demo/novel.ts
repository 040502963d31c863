import type { CatalogueEvent, NovelStatus, TaskStatus, WorkflowStatus } from './catalogue.ts'

export interface Chapter {
  id: string
  number: number
  title: string
  /** How many paragraphs the chapter will have. */
  length: number
  paragraphs: string[]
  words: number
  draft: number
}

export interface Task {
  id: string
  label: string
  percent: number
  status: TaskStatus
}

/** What the events of one user add up to. JSON all through: the server sends it to a page that has to refetch. */
export interface Novel {
  id: string
  title: string
  author: string
  status: NovelStatus
  workflow: WorkflowStatus
  planning: { percent: number; steps: string[] }
  chapters: Chapter[]
  /** The oldest first. A list is copied a hundred times as fast as an object with as many names. */
  tasks: Task[]
}

/**
 * What a novel can hold. Anybody can publish any payload: without bounds a log of ten thousand tasks would be folded in a
 * time that grows with the square of its length. What is more is left out; of tasks the oldest go.
 */
const most = { chapters: 100, paragraphs: 200, tasks: 200, steps: 50, characters: 4_000 }

/** A text that is too long is cut, and what is neither text nor number is not kept. */
const plain = <Value extends string | number>(value: Value): Value => {
  if (typeof value === 'string') return value.slice(0, most.characters) as Value
  return typeof value === 'number' ? value : ('' as Value)
}

export const noNovel = (): Novel => ({
  id: '',
  title: '',
  author: '',
  status: 'planning',
  workflow: 'paused',
  planning: { percent: 0, steps: [] },
  chapters: [],
  tasks: [],
})

/**
 * Applies one event and returns the novel. A `novel.created` starts from nothing; an event about a chapter
 * that isn't known (its beginning was trimmed) is skipped. Every case sets, none counts up: an event that is
 * in a fetched state already may be applied again.
 */
export const applyEvent = (novel: Novel, { type, data }: CatalogueEvent): Novel => {
  switch (type) {
    case 'novel.created':
      return {
        ...noNovel(),
        id: plain(data.id),
        title: plain(data.title),
        author: plain(data.author),
        workflow: novel.workflow,
      }
    case 'novel.updated':
      return { ...novel, title: plain(data.title) }
    case 'novel.status_changed':
      return { ...novel, status: plain(data.status) }
    case 'chapter.created':
      return withChapter(novel, {
        id: plain(data.id),
        number: plain(data.number),
        title: plain(data.title),
        length: plain(data.paragraphs),
        paragraphs: [],
        words: 0,
        draft: 0,
      })
    case 'chapter.updated':
      return changeChapter(novel, data.id, (chapter) => ({
        ...chapter,
        words: plain(data.words),
        paragraphs: withParagraph(chapter.paragraphs, data.paragraph, data.text),
      }))
    case 'chapter.draft_created':
      return changeChapter(novel, data.id, (chapter) => ({
        ...chapter,
        draft: plain(data.draft),
        words: plain(data.words),
      }))
    case 'workflow.started':
      return { ...novel, workflow: 'running' }
    case 'workflow.completed':
      return { ...novel, workflow: 'completed' }
    case 'workflow.failed':
      return { ...novel, workflow: 'failed' }
    case 'workflow.status_changed':
      return { ...novel, workflow: plain(data.status) }
    case 'genesis.step_completed': {
      const steps = [...new Set([...novel.planning.steps, plain(data.step)])].slice(0, most.steps)
      return { ...novel, planning: { ...novel.planning, steps } }
    }
    case 'genesis.progress':
      return { ...novel, planning: { ...novel.planning, percent: plain(data.percent) } }
    case 'genesis.session_completed':
      return { ...novel, planning: { ...novel.planning, percent: 100 } }
    case 'task.progress_updated':
      return withTask(novel, data.id, { percent: 0, status: 'running' }, data)
    case 'task.status_changed':
      return withTask(
        novel,
        data.id,
        { percent: data.status === 'done' ? 100 : 0, status: data.status },
        data,
      )
  }
}

/**
 * The same for an event as it was published. Anybody can publish any payload under a type of the catalogue:
 * one that doesn't fit changes nothing.
 */
export const applyPublished = (novel: Novel, type: string, data: string): Novel => {
  try {
    return applyEvent(novel, { type, data: JSON.parse(data) } as CatalogueEvent) ?? novel
  } catch {
    return novel
  }
}

/** A payload with paragraph 1e9 would make an array of that length. */
const withParagraph = (paragraphs: readonly string[], index: number, paragraph: string): string[] => {
  const copy = [...paragraphs]
  if (Number.isInteger(index) && index >= 0 && index < most.paragraphs) copy[index] = plain(paragraph)
  return copy
}

const withChapter = (novel: Novel, chapter: Chapter): Novel => {
  const others = novel.chapters.filter(({ id }) => id !== chapter.id)
  if (others.length >= most.chapters) return novel
  return { ...novel, chapters: [...others, chapter].sort((a, b) => a.number - b.number) }
}

const changeChapter = (novel: Novel, id: string, change: (chapter: Chapter) => Chapter): Novel => ({
  ...novel,
  chapters: novel.chapters.map((chapter) => (chapter.id === plain(id) ? change(chapter) : chapter)),
})

/** @param first what a task is that nobody knew of; @param change what the event says of the task */
const withTask = (novel: Novel, id: string, first: Partial<Task>, change: Partial<Task>): Novel => {
  const name = plain(id)
  const isIt = (task: Task) => task.id === name
  const { label, percent, status } = { ...first, ...novel.tasks.find(isIt), ...change }
  const task = { id: name, label: plain(label!), percent: plain(percent!), status: plain(status!) }
  if (novel.tasks.some(isIt))
    return { ...novel, tasks: novel.tasks.map((each) => (isIt(each) ? task : each)) }
  return { ...novel, tasks: [...novel.tasks, task].slice(-most.tasks) }
}
