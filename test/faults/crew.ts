import type { BrowserContext } from 'playwright'
import type { Backend } from '../browser/backend.ts'
import { openTab, type Tab } from '../browser/tab.ts'

export type Hosts = 'shared-worker' | 'worker' | 'mixed'

/** A tab, and what the oracle holds it to. */
export interface Member {
  tab: Tab
  /** The first number that it must have. */
  from: number
}

/** The tabs of one run. Those that a fault takes away are replaced, so that their number stays. */
export const createCrew = (context: BrowserContext, backend: Backend, hosts: Hosts) => {
  const members: Member[] = []
  let opened = 0

  const open = async () => {
    opened++
    const own = hosts === 'worker' || (hosts === 'mixed' && opened % 2 === 0)
    const tab = await openTab(context, backend.url, { host: own ? 'worker' : 'shared-worker' })
    // Attached, whatever the stream is going through: only then is the next number due.
    await tab.page.waitForFunction(() => window.stream.status.tabs > 0, null, { timeout: 30_000 })
    members.push({ tab, from: (backend.published().at(-1) ?? 0) + 1 })
  }

  const leave = (member: Member) => {
    members.splice(members.indexOf(member), 1)
  }

  return {
    members,
    open,
    leave,
    /** All of them have the last number. @returns ms it took */
    async caughtUp(last: number, timeout: number): Promise<number> {
      const start = Date.now()
      for (const { tab, from } of members) {
        if (last < from) continue
        await tab.page.waitForFunction((n) => window.record.events.some((event) => event.n === n), last, {
          timeout,
          polling: 20,
        })
      }
      return Date.now() - start
    },
  }
}

export type Crew = ReturnType<typeof createCrew>
