import type { Happening } from '../../src/shared/inspection.ts'

/** ms since 1970. */
export interface Span {
  from: number
  to: number
}

/**
 * What a hub's time line told so far, with what it tells now. Entries of the last ms are taken again: more of them
 * may have come in it.
 * @throws Error more has happened than a hub keeps
 */
export const continueTimeline = (kept: Happening[], newest: Happening[]): Happening[] => {
  const last = kept.at(-1)?.at ?? Number.NEGATIVE_INFINITY
  if (kept.length > 0 && (newest[0]?.at ?? 0) > last) throw new Error('The time line has run over.')
  return [...kept.filter(({ at }) => at < last), ...newest.filter(({ at }) => at >= last)]
}

const statesOf = (timeline: Happening[]) => timeline.filter(({ what }) => what === 'state')

/** Attempts to connect that ended in something else than an open stream. */
export const failedAttempts = (timeline: Happening[]): Span[] => {
  const states = statesOf(timeline)
  return states.flatMap(({ is, at }, index) => {
    const next = states[index + 1]
    return is === 'connecting' && next !== undefined && next.is !== 'open' ? [{ from: at, to: next.at }] : []
  })
}

/** Renewals of the token: the hub closes a stream that stands, and the next attempt opens. */
const RENEWAL = ['connecting']

/** From the loss of a stream that stood to the next one open; renewals are none, unless something else comes between. */
export const reconnections = (timeline: Happening[]): Span[] => {
  const found: Span[] = []
  let lost: { at: number; states: string[] } | null = null
  let wasOpen = false
  for (const { is, at } of statesOf(timeline)) {
    if (is === 'open') {
      if (lost !== null && lost.states.join() !== RENEWAL.join()) found.push({ from: lost.at, to: at })
      lost = null
    } else if (lost !== null) lost.states.push(is)
    else if (wasOpen) lost = { at, states: [is] }
    wasOpen = is === 'open'
  }
  return found
}

export const overlaps = (a: Span, b: Span): boolean => a.from <= b.to && b.from <= a.to
