import type { Inspection, SessionInspection } from 'tabstream'
import type { Line } from './line.ts'
import { lockOf } from './tabs.ts'

export interface HubView {
  inspection: Inspection
  /** By the demo's number of the tab. */
  sessions: Map<number, SessionInspection>
  /** Events that a tab still has to take, where it is more than what is on its way at any moment. */
  behind: Map<number, number>
}

/** Two locks of one page tell which session of the worker is which tab: the browser says who holds each. */
const numbersBySession = async (user: string): Promise<Map<string, number>> => {
  const { held = [] } = await navigator.locks.query()
  const numbers = new Map<string, number>()
  const before = lockOf(user, 0).slice(0, -1)
  for (const { name, clientId } of held)
    if (name?.startsWith(before)) numbers.set(clientId!, Number(name.slice(before.length)))
  return new Map(
    held.flatMap(({ name, clientId }) => {
      const number = numbers.get(clientId!)
      return number !== undefined && name?.startsWith('tabstream:tab:')
        ? [[name.slice('tabstream:tab:'.length), number]]
        : []
    }),
  )
}

/** A batch under way is no lag: a tab is behind if it has not moved since the last look, or by many events. */
const many = 20

const behindOf = (sessions: HubView['sessions'], former: HubView['sessions'] | undefined) =>
  new Map(
    [...sessions].flatMap(([number, { lag, lastAckAt }]) => {
      const before = former?.get(number)
      const stands = before !== undefined && before.lag > 0 && before.lastAckAt === lastAckAt
      return lag > many || (lag > 0 && stands) ? [[number, lag] as const] : []
    }),
  )

/** ms between two looks, however much happens. */
const spacing = 200

/** What the worker knows of its tabs: where each is, and when it last acknowledged. */
export const watchHub = (line: Line, user: string, onView: (view: HubView | null) => void) => {
  let former: HubView['sessions'] | undefined
  let state: 'idle' | 'looking' | 'again' = 'idle'

  const read = async (): Promise<HubView | null> => {
    const stream = line.stream()
    if (!stream) return null
    const [inspection, numbers] = await Promise.all([stream.inspect(), numbersBySession(user)])
    const sessions = new Map(
      inspection.sessions.flatMap((session) => {
        const number = numbers.get(session.tab)
        return number === undefined ? [] : [[number, session] as const]
      }),
    )
    return { inspection, sessions, behind: behindOf(sessions, former) }
  }

  const look = async () => {
    if (state !== 'idle') {
      state = 'again'
      return
    }
    state = 'looking'
    const view = await read().catch(() => null)
    former = view?.sessions
    onView(view)
    // What is under way now will have arrived by the next look.
    const isBehind = [...(view?.sessions.values() ?? [])].some(({ lag }) => lag > 0)
    setTimeout(() => {
      const wanted = state === 'again' || isBehind
      state = 'idle'
      if (wanted) void look()
    }, spacing)
  }

  return {
    read,
    /** There may be something new to see. */
    look: () => void (document.hidden || look()),
  }
}
