import { type Control, ownOf } from '../../src/shared/control.ts'
import type { Cursor } from '../../src/shared/events.ts'
import { REFUSAL_HOLDS } from '../base/refusal-holds.ts'
import type { Log } from '../log/log.ts'

/**
 * What a tab is told of its topics beside the controls of the log. A topic that a tab joins may have been live all along,
 * and another hub's log may not have what the tab's former log had. No control tells of either.
 */
export interface TopicNews {
  /** The tab has joined these topics, and takes none of them for live. */
  joined(names: string[]): void
  /** The tab goes on in another log, or at another place: all that it knows of these topics has to be told anew. */
  moved(names: string[]): void
  /** What the tab is to be told at this cursor; `null`: nothing. Tells each thing once. */
  take(cursor: Cursor): Record<string, Control> | null
}

export const createTopicNews = (log: Pick<Log, 'position'>, { now }: { now(): number }): TopicNews => {
  /** The topics to tell of, and whether the tab may take one for live. */
  const due = new Map<string, boolean>()

  const newsOf = (name: string, { epoch, seq }: Cursor): Control | null => {
    const { topics, epoch: present } = log.position()
    const record = ownOf(topics, name)
    // What the log says of a later place, a control tells there.
    if (record === undefined || record.since > seq + 1 || epoch !== present) return null
    const { since: _, ...control } = record
    return control.is === 'refused' && now() - control.error.at >= REFUSAL_HOLDS ? null : control
  }

  return {
    joined(names) {
      for (const name of names) due.set(name, due.get(name) ?? false)
    },
    moved(names) {
      for (const name of names) due.set(name, true)
    },
    take(cursor) {
      if (due.size === 0) return null
      const news = [...due].flatMap(([name, mayBeLive]) => {
        const control = newsOf(name, cursor) ?? (mayBeLive ? ({ is: 'left' } as const) : null)
        return control === null ? [] : [[name, control] as const]
      })
      due.clear()
      return news.length === 0 ? null : Object.fromEntries(news)
    },
  }
}
