import { version } from '../../package.json' with { type: 'json' }
import type { Inspected } from '../stream.ts'
import type { Snapshot } from './snapshot.ts'

/** Heads of the log that go into a report: what came last, and never what was in it. */
const HEADS = 50
const TIMELINE = 200

const REDACTED = '[redacted]'

/**
 * Text without what might be a credential. The library puts none into what it tells (A1); an application's own
 * words, ids and URLs it cannot vouch for, and a report leaves the house.
 */
export const redactText = (text: string): string =>
  text
    .replaceAll(/([?&][^=&#?\s]+=)[^&#\s"'<>]+/g, `$1${REDACTED}`)
    .replaceAll(/(\w+:\/\/)[^/?#\s@]+@/g, `$1${REDACTED}@`)
    .replaceAll(/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`)
    .replaceAll(/\beyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)?/g, REDACTED)

/** The same throughout a value of plain data, names included. */
export const redact = (value: unknown): unknown => {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) return value.map(redact)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [redactText(name), redact(each)] as const),
  )
}

/** A page's address: its fragment is the application's own, and has carried tokens. */
export const pageOf = (href: string): string => {
  const { origin, pathname, search } = new URL(href)
  return redactText(`${origin}${pathname}${search}`)
}

export interface Surroundings {
  now: number
  href: string
  userAgent: string
  visibility: string
  online: boolean
}

/** What to attach to a bug (I4). `last` is what was seen before, for a stream that does not answer any more. */
export const makeReport = async (
  stream: Inspected,
  last: Snapshot,
  around: Surroundings,
): Promise<string> => {
  let { inspection, metrics, problem } = last
  try {
    ;[inspection, metrics] = await Promise.all([
      stream.inspect({ timeline: TIMELINE, heads: { last: HEADS } }),
      stream.metrics(),
    ])
    problem = ''
  } catch (error) {
    problem = (error as Error).message
  }
  const { data: _, ...shown } = inspection ?? { data: null }
  const report = {
    tabstream: version,
    at: new Date(around.now).toISOString(),
    problem,
    status: stream.status,
    inspection: inspection === null ? null : shown,
    metrics,
    page: {
      url: pageOf(around.href),
      userAgent: around.userAgent,
      visibility: around.visibility,
      online: around.online,
    },
  }
  return JSON.stringify(redact(report), null, 2)
}
