import type { ErrorData, Status } from '../../src/shared/status.ts'
import type { Session } from './session.ts'

/** The sessions of the tabs that a hub serves, and what is told to all of them. */
export interface Tabs {
  count(): number
  /** In the order in which they came. */
  all(): Session[]
  has(session: Session): boolean
  add(session: Session): void
  remove(session: Session): void
  /** Takes all of them away at once. @returns the sessions that were there */
  removeAll(): Session[]
  /** Another leader's log took the place of this one (D2). */
  truncate(): void
  tellStatus(status: Status): void
  tellError(error: ErrorData): void
}

export const createTabs = (): Tabs => {
  const sessions = new Set<Session>()

  return {
    count: () => sessions.size,
    all: () => [...sessions],
    has: (session) => sessions.has(session),
    add: (session) => void sessions.add(session),
    remove: (session) => void sessions.delete(session),
    removeAll() {
      const removed = [...sessions]
      sessions.clear()
      return removed
    },
    truncate() {
      for (const session of sessions) session.truncate()
    },
    tellStatus(status) {
      for (const session of sessions) session.status(status)
    },
    tellError(error) {
      for (const session of sessions) session.error(error)
    },
  }
}
