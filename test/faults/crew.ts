import { setTimeout as pause } from 'node:timers/promises'
import type { Backend } from '../browser/backend.ts'
import { openTab, type Tab } from '../browser/tab.ts'
import { type Heard, isClean, judge, type Verdict } from './oracle.ts'
import { untilHeard } from './until.ts'
import type { User } from './user.ts'

export type Hosts = 'shared-worker' | 'worker' | 'mixed'

/** ms without the last event after which the user looks at a tab. */
const UNSEEN = 3_000

/** A tab, and what the oracle holds it to. */
export interface Member {
  tab: Tab
  host: 'shared-worker' | 'worker'
  /** The first number that it must have. */
  from: number
  /** Faults since it came that lost history at the server: each may cost it one reset. */
  losses: number
}

/** ms without a tab in view after which the stream is let go: the least (H2). */
const RELEASE = 10_000
/** A dead line is noticed within 2 s, so that a run has time for many. */
const HEARTBEAT = { timeout: 1_000, misses: 2 }

/** The tabs of one run. Those that a fault takes away are judged as they go, and replaced after it. */
export const createCrew = (user: User, backend: Backend, hosts: Hosts, size: number) => {
  const members: Member[] = []
  const verdicts: Verdict[] = []
  const problems: { message: string; from: number; to: number }[] = []
  let resets = 0
  let opened = 0
  /** Every member that was there had all up to this number. */
  let confirmed = 0

  /** @param losses see `fill` */
  const open = async (losses = 0) => {
    opened++
    const host = hosts === 'worker' || (hosts === 'mixed' && opened % 2 === 0) ? 'worker' : 'shared-worker'
    const connect = { heartbeat: HEARTBEAT, hidden: { release: RELEASE } }
    // Every third hears at once while it is hidden (H1).
    const tab = await openTab(user.context(), backend.url, { host, connect, urgent: opened % 3 === 0 })
    // Attached, whatever the stream is going through: only then is the next number due.
    const isAttached = () => tab.page.evaluate(() => window.stream.status.tabs > 0)
    for (const start = Date.now(); !(await isAttached()); await pause(20))
      if (Date.now() - start > 30_000) {
        const { statuses, errors } = await tab.record()
        throw new Error(
          `a new tab (${host}) is not attached after 30 s: ${JSON.stringify({ statuses, errors })}`,
        )
      }
    members.push({ tab, host, from: (backend.published().at(-1) ?? 0) + 1, losses })
  }

  const heard = async ({ tab }: Member): Promise<Heard & { told: string[]; errors: string[] }> => {
    const { events, resetsAt, resets: told, errors } = await tab.record()
    return {
      errors: errors.map(({ kind, message, cause }) => `${kind}: ${message} (${cause})`),
      numbers: events.flatMap(({ n }) => (n === undefined ? [] : [n])),
      resetsAt,
      told: told.map(
        ({ reason }, at) => `${reason} after ${events[(resetsAt[at] ?? 0) - 1]?.n ?? 'nothing'}`,
      ),
    }
  }

  /** @param to the last number that it must have, if it has not more */
  const pronounce = (
    { from, losses, host }: Member,
    { told, errors, ...record }: Awaited<ReturnType<typeof heard>>,
    to: number,
  ) => {
    const verdict = judge(record, from, Math.max(to, record.numbers.at(-1) ?? 0))
    verdicts.push(verdict)
    resets += told.length
    const who = `a tab (${host}) from ${from} to ${to}`
    const accuse = (message: string) => problems.push({ message: `${who}: ${message}`, from, to })
    if (!isClean(verdict)) {
      const seen = new Set<number>()
      const again = record.numbers.filter((n) => seen.has(n) || !seen.add(n))
      const which = again.length > 0 ? `; heard again: ${again[0]} to ${again.at(-1)}` : ''
      const first = `the first it heard is ${record.numbers[0]}`
      accuse(`${JSON.stringify(verdict)}; ${first}${which}; its errors: ${errors.slice(-4).join(', ')}`)
    }
    if (told.length > losses) accuse(`${losses} resets are justified, it had ${told.join(', ')}`)
  }

  /** The user turns to a tab. Chromium hides a page that is frozen, and shows it again only in place of another one. */
  const show = async ({ page }: Tab) => {
    await members.find(({ tab }) => tab.page !== page)?.tab.page.bringToFront()
    await page.bringToFront()
  }

  /** A user looks at one of them. Without, a stream may be let go, and would not be back by itself (H2). */
  const look = async () => {
    const hidden = await Promise.all(members.map(({ tab: { page } }) => page.evaluate(() => document.hidden)))
    if (hidden.every(Boolean) && members[0] !== undefined) await show(members[0].tab)
  }

  const remove = (member: Member) => members.splice(members.indexOf(member), 1)

  return {
    members,
    open,
    heard,
    verdicts,
    problems,
    resets: () => resets,
    /** Judges one that is about to go: what comes after this, nobody hears. */
    async retire(member: Member) {
      const record = await heard(member)
      remove(member)
      pronounce(member, record, confirmed)
    },
    /** Judges one that is gone already, by what it had recorded before. */
    buried(member: Member, record: Awaited<ReturnType<typeof heard>>) {
      remove(member)
      pronounce(member, record, confirmed)
    },
    /**
     * As many as there should be.
     * @param losses 1 right after the server has lost history: who comes to a hub that has yet to hear of it is told too
     */
    async fill(losses = 0) {
      while (members.length < size) await open(losses)
    },
    /** The server has lost history: each may be told so once. */
    excuse() {
      for (const member of members) member.losses++
    },
    /** All of them have the last number. @returns ms it took */
    async caughtUp(last: number, timeout: number): Promise<number> {
      const start = Date.now()
      await look()
      const left = () => timeout - (Date.now() - start)
      for (const { tab, from } of members) {
        if (last < from) continue
        // A hidden tab may notice after a minute that its worker hangs, and one that is looked at notices at once (T2).
        await untilHeard(tab, last, Math.min(UNSEEN, left() / 2)).catch(async () => {
          await show(tab)
          await untilHeard(tab, last, left())
        })
      }
      confirmed = last
      return Date.now() - start
    },
    /** In a row, without 10 s of health. */
    attempts: async () =>
      Math.max(0, ...(await Promise.all(members.map(async ({ tab }) => (await tab.status()).attempt)))),
    /** Every hub's log is on the disk. */
    isDurable: async () =>
      (await Promise.all(members.map(({ tab }) => tab.status()))).every(({ durable }) => durable),
    /** That hubs have told of: IndexedDB failed. */
    async storageErrors(): Promise<number> {
      // Counted there: what a tab has heard in a long run is megabytes, for each fault.
      const count = () => window.record.errors.filter(({ kind }) => kind === 'storage').length
      const told = await Promise.all(members.map(({ tab: { page } }) => page.evaluate(count)))
      return told.reduce((sum, each) => sum + each, 0)
    },
    /** Every tab comes to `open` by itself: none is in a state that only a reload ends. */
    async isAlive(timeout: number) {
      for (const { tab, host } of members)
        for (const start = Date.now(); ; await pause(50)) {
          const { state, error } = await tab.status()
          if (state === 'open') break
          if (Date.now() - start > timeout)
            throw new Error(`a tab (${host}) stays ${state}: ${JSON.stringify(error)}`)
        }
    },
    /** Judges all that are left. */
    async finish(to: number) {
      for (const member of members) pronounce(member, await heard(member), to)
    },
  }
}

export type Crew = ReturnType<typeof createCrew>
