import { type Control, ownOf, type TopicRecords } from '../../src/shared/control.ts'
import type { ErrorData, ErrorKind } from '../../src/shared/status.ts'

/** The type of the events by which a server tells of topics (R7). */
export const MARKER = 'stream.topics'

/** What a server says of topics: the rev that it speaks of, and a status for each topic that has changed. */
export interface Marker {
  rev: number
  statuses: [name: string, status: number][]
}

/** A control, and the topic that it is of. */
export type Named = [topic: string, control: Control]

/** @returns `null`: it cannot be read */
export const readMarker = (data: string): Marker | null => {
  try {
    const { rev, topics } = JSON.parse(data)
    const statuses = Object.entries(topics).filter((each): each is [string, number] =>
      Number.isInteger(each[1]),
    )
    return Number.isInteger(rev) ? { rev, statuses } : null
  } catch {
    return null
  }
}

const HINTS: Record<number, string> = {
  403: 'the user may not have this topic',
  404: 'there is no such topic',
  413: 'there are too many topics',
  429: 'there are too many topics',
}

export interface JudgeOptions {
  /** Whether each set has this topic, from the one that the marker speaks of to the newest. */
  isAsked(name: string, rev: number): boolean
  /** What the log knows of its topics. */
  records: TopicRecords | undefined
  errorOf(kind: ErrorKind, message: string, status: number | null, topic: string): ErrorData
}

/**
 * What a marker changes, as controls for the log. What the log knows already makes no control.
 *
 * @returns `isLater`: the server could not judge some topic, which is to be asked for again
 */
export const judgeMarker = (
  { rev, statuses }: Marker,
  { isAsked, records, errorOf }: JudgeOptions,
): { controls: Named[]; isLater: boolean } => {
  const controls: Named[] = []
  let isLater = false
  for (const [name, status] of statuses) {
    if (!isAsked(name, rev)) continue
    const record = ownOf(records, name)
    const isLive = record?.is === 'live'
    switch (status) {
      case 200:
      case 410:
        if (isLive && status === 410) controls.push([name, { is: 'reset', reason: 'server' }])
        if (!isLive || !record.confirmed) controls.push([name, { is: 'live', confirmed: true }])
        break
      case 403:
      case 404:
      case 413:
      case 429: {
        if (record?.is === 'refused' && record.error.status === status) break
        const message = `The server refuses a topic (${status}): ${HINTS[status]}.`
        const error = errorOf(status < 410 ? 'topic' : 'limit', message, status, name)
        controls.push([name, { is: 'refused', error }])
        break
      }
      default:
        isLater = true
    }
  }
  return { controls, isLater }
}
