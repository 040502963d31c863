import type { PublishedEvent } from '../publish/publisher.ts'

export interface Filler {
  /** How many. Default 1. */
  count?: number
  /** Default `task.progress_updated`. */
  type?: string
  /** The first event's `n`; it counts up by one. Default 1. */
  from?: number
  /** Characters of padding in each payload. Default 0. */
  bytes?: number
}

/** Events that can be told apart: `{ n, id, label, percent }`, and `padding` if asked for. */
export const fillerEvents = ({ count = 1, type = 'task.progress_updated', from = 1, bytes = 0 }: Filler) =>
  Array.from({ length: count }, (_, index): PublishedEvent => {
    const data = { n: from + index, id: 'filler', label: 'Filler', percent: (from + index) % 101 }
    return { type, data: bytes > 0 ? { ...data, padding: 'x'.repeat(bytes) } : data }
  })
