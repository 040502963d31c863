import { setTimeout as pause } from 'node:timers/promises'
import { type Backend, startBackend } from '../browser/backend.ts'
import { leaderOf, openTab, range, type Tab } from '../browser/tab.ts'
import { ensureBrowsers } from '../browsers.ts'
import { untilHeard } from './until.ts'
import { startUser } from './user.ts'

/**
 * `npm run test:recovery`: how long it takes to be back, each fault by itself and from a healthy stream, which in
 * the fault suite none has. Several users of one browser, hence several hubs, are hit at once: each is a sample.
 */

/** A browser has six HTTP/1.1 connections for an origin: the pages need some too. */
const MOST_USERS = 4

interface Seat {
  user: string
  tabs: Tab[]
}

/** ms from `at` until every tab of the user has heard the newest number. */
const backAt = async ({ tabs }: Seat, last: number, at: number) => {
  for (const tab of tabs) await untilHeard(tab, last, 60_000)
  return Date.now() - at
}

interface Case {
  name: string
  promise: string
  /** Each begins with a browser and a server of its own. */
  runs: number
  rounds: number
  users: number
  tabs: number
  host: 'shared-worker' | 'worker'
  /** Returns when the world is whole again. */
  harm(seats: Seat[], backend: Backend, round: number): Promise<unknown>
}

const measure = async ({ name, promise, runs, rounds, users, tabs, host, harm }: Case) => {
  const samples: number[] = []
  for (let run = 0; run < runs; run++) {
    const names = range(1, users).map((n) => `user-${n}`)
    const backend = await startBackend({ users: Object.fromEntries(names.map((user) => [user, user])) })
    const browser = await startUser('chromium')
    try {
      const seats: Seat[] = names.map((user) => ({ user, tabs: [] }))
      for (const seat of seats) {
        for (let count = 0; count < tabs; count++)
          seat.tabs.push(
            await openTab(browser.context(), backend.url, {
              user: seat.user,
              host,
              // How soon a hub is back, not how long a hidden tab waits (H1).
              connect: { hidden: { every: 0 } },
            }),
          )
        for (const tab of seat.tabs) await tab.until('open', 30_000)
      }
      for (let round = 0; round < rounds; round++) {
        // Health, after which the attempt counter has started over (S4).
        await pause(10_500)
        await harm(seats, backend, round)
        const at = Date.now()
        const back = seats.map(async (seat) => backAt(seat, await backend.publish(1, seat.user), at))
        samples.push(...(await Promise.all(back)))
      }
    } finally {
      await browser.close()
      await backend.close()
    }
  }
  samples.sort((a, b) => a - b)
  const mean = Math.round(samples.reduce((sum, ms) => sum + ms, 0) / samples.length)
  const p50 = samples[Math.floor(samples.length / 2)]
  console.log(
    `${name.padEnd(44)} ${String(samples.length).padStart(3)} times: mean ${mean}, p50 ${p50}, ` +
      `longest ${samples.at(-1)} ms (promised: ${promise})`,
  )
}

const CASES: Case[] = [
  {
    name: 'a hub dies',
    promise: '2,000 ms',
    runs: 1,
    rounds: 3,
    users: MOST_USERS,
    tabs: 2,
    host: 'shared-worker',
    harm: ([first]) => first!.tabs[0]!.harm('close'),
  },
  {
    // One at a time: what hangs here takes a core, and keeps it for as long as the browser lives.
    name: 'a hub hangs',
    promise: '10,000 ms',
    runs: 5,
    rounds: 1,
    users: 1,
    tabs: 3,
    host: 'shared-worker',
    harm: ([first]) => first!.tabs[0]!.harm('wedge'),
  },
  {
    name: 'the leader of dedicated workers closes',
    promise: '1,000 ms',
    runs: 4,
    rounds: 2,
    users: 2,
    tabs: 3,
    host: 'worker',
    harm: (seats) =>
      Promise.all(
        seats.map(async (seat) => {
          const leader = await leaderOf(seat.tabs)
          if (leader === undefined) throw new Error('nobody leads')
          seat.tabs = seat.tabs.filter((tab) => tab !== leader)
          await leader.close()
        }),
      ),
  },
  {
    name: 'the server restarts, away for 0 to 1,000 ms',
    promise: 'mean 1,500 ms',
    runs: 1,
    rounds: 6,
    users: MOST_USERS,
    tabs: 1,
    host: 'shared-worker',
    async harm(_, backend, round) {
      await backend.stop()
      await pause(round * 200)
      await backend.start()
    },
  },
]

ensureBrowsers()
for (const each of CASES) if (each.name.includes(process.argv[2] ?? '')) await measure(each)
process.exit()
