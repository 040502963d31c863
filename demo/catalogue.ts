/**
 * Every event type of the demo's domain, a novel being written, with its payload. Server and page share it.
 * A type, since an interface could be added to elsewhere and so fits no event map.
 */
export type Events = {
  'novel.created': { id: string; title: string; author: string }
  'novel.updated': { id: string; title: string }
  'novel.status_changed': { id: string; status: NovelStatus }
  'chapter.created': { id: string; novel: string; number: number; title: string; paragraphs: number }
  /** One paragraph, at its place: applying it twice changes nothing. */
  'chapter.updated': { id: string; paragraph: number; text: string; words: number }
  'chapter.draft_created': { id: string; draft: number; words: number }
  'workflow.started': { id: string; name: string }
  'workflow.completed': { id: string }
  'workflow.failed': { id: string; reason: string }
  'workflow.status_changed': { id: string; status: WorkflowStatus }
  'genesis.step_completed': { session: string; step: string }
  'genesis.session_completed': { session: string; steps: number }
  'genesis.progress': { session: string; percent: number }
  'task.progress_updated': { id: string; label: string; percent: number }
  'task.status_changed': { id: string; label: string; status: TaskStatus }
}

export type NovelStatus = 'planning' | 'writing' | 'finished'
export type WorkflowStatus = 'running' | 'paused' | 'completed' | 'failed'
export type TaskStatus = 'running' | 'done'
export type EventType = keyof Events

/** An event of the catalogue with its payload, as the pipeline makes them. */
export type CatalogueEvent = { [Type in EventType]: { type: Type; data: Events[Type] } }[EventType]

// A record, since the compiler then proves that no type is missing, which it can't for an array.
const catalogue: Record<EventType, true> = {
  'novel.created': true,
  'novel.updated': true,
  'novel.status_changed': true,
  'chapter.created': true,
  'chapter.updated': true,
  'chapter.draft_created': true,
  'workflow.started': true,
  'workflow.completed': true,
  'workflow.failed': true,
  'workflow.status_changed': true,
  'genesis.step_completed': true,
  'genesis.session_completed': true,
  'genesis.progress': true,
  'task.progress_updated': true,
  'task.status_changed': true,
}

export const eventTypes = Object.keys(catalogue) as readonly EventType[]

export const isEventType = (type: unknown): type is EventType =>
  typeof type === 'string' && Object.hasOwn(catalogue, type)
