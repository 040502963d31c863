import { setTimeout as pause } from 'node:timers/promises'
import type { BrowserContext } from 'playwright'
import type { TopicLife } from '../browser/app/topics.ts'
import { leaderOf, openTab, type Tab } from '../browser/tab.ts'
import type { Hosts } from '../faults/crew.ts'
import { pick, type Random } from '../random.ts'
import { judgeLife, type LifeVerdict } from './judge-life.ts'
import type { TopicServer } from './topic-server.ts'

/** ms after a loss in which a tab that joins may still be told of it: its hub may have yet to hear. */
const NEWS = 20_000
/** ms for all handles to have what there is, a reopening's longest pause (30 s) included. */
const PATIENCE = 120_000

export interface CrewOptions {
  context: BrowserContext
  url: string
  server: TopicServer
  hosts: Hosts
  topics: object
  size: number
}

interface Member {
  tab: Tab
  /** The losses of the topic, and the absences, when each life began, by the index of the life. */
  lossesAt: number[]
  absencesAt: number[]
  /** The lives that are not left, by topic. */
  held: Map<string, number>
}

/** The tabs of one run, and what each of their handles is held to. */
export const createCrew = ({ context, url, server, hosts, topics, size }: CrewOptions) => {
  const members: Member[] = []
  const verdicts: LifeVerdict[] = []
  /** When history of each topic was lost, in ms since 1970. */
  const losses = new Map<string, number[]>()
  let opened = 0
  let [joins, leaves, absences] = [0, 0, 0]

  const lossesOf = (topic: string) => losses.get(topic) ?? []

  const open = async () => {
    const host = hosts === 'worker' || (hosts === 'mixed' && ++opened % 2 === 0) ? 'worker' : 'shared-worker'
    const connect = { heartbeat: { timeout: 1_000, misses: 2 }, topics }
    const tab = await openTab(context, url, { url: '/stream', exchange: null, host, connect })
    members.push({ tab, lossesAt: [], absencesAt: [], held: new Map() })
  }
  const fill = async () => {
    while (members.length < size) await open()
  }
  const livesOf = ({ tab }: Member): Promise<TopicLife[]> => tab.page.evaluate(() => window.lives)

  /** @param isOver nothing is published any more: who still holds a topic has all of it */
  const pronounce = ({ held, lossesAt, absencesAt }: Member, lives: TopicLife[], isOver: boolean) => {
    for (const [at, life] of lives.entries()) {
      const isHeld = held.get(life.name) === at
      const justified = lossesOf(life.name).length - (lossesAt[at] ?? 0)
      const gone = absences - (absencesAt[at] ?? 0)
      verdicts.push(judgeLife(life, isOver && isHeld ? server.count(life.name) : null, justified, gone))
    }
  }
  const retire = async (member: Member) => {
    members.splice(members.indexOf(member), 1)
    pronounce(member, await livesOf(member), false)
    await member.tab.close()
  }

  const join = async (member: Member, topic: string) => {
    const news = Date.now() - NEWS
    const index = await member.tab.page.evaluate((name) => window.joinTopic(name), topic)
    member.held.set(topic, index)
    member.absencesAt[index] = absences
    member.lossesAt[index] = lossesOf(topic).filter((at) => at < news).length
    joins++
  }
  const leave = async (member: Member, topic: string, index: number) => {
    member.held.delete(topic)
    await member.tab.page.evaluate((life) => window.leaveTopic(life), index)
    leaves++
  }

  /** Whether a handle that is held has all that there is; else what it lacks. */
  const lacks = (life: TopicLife): string | null => {
    const last = life.told.findLast((each) => 'n' in each)
    const state = life.told.findLast((each) => 'state' in each)
    const isLive = state !== undefined && 'state' in state && state.state === 'live'
    if (!isLive) return `${life.name} is ${JSON.stringify(state)}`
    if (!life.told.some((each) => 'count' in each)) return `${life.name} has fetched nothing`
    const had = Math.max(
      last !== undefined && 'n' in last ? last.n : 0,
      ...life.told.map((each) => ('count' in each ? each.count : 0)),
    )
    return had < server.count(life.name) ? `${life.name} has ${had} of ${server.count(life.name)}` : null
  }

  return {
    members,
    verdicts,
    fill,
    changes: () => ({ joins, leaves }),
    /**
     * One tab joins a topic, or leaves it. About as many handles are held as there are tabs: were there more, some tab would
     * want each topic all the time, and the set would never change.
     */
    async change(random: Random, names: string[]) {
      const held = members.flatMap((member) => [...member.held].map((entry) => ({ member, entry })))
      const joins = held.length === 0 || random() < size / (size + held.length)
      const leaving = joins ? null : pick(random, held)
      const member = leaving?.member ?? pick(random, members)
      const free = names.filter((name) => !member.held.has(name))
      const done = leaving === null ? join(member, pick(random, free)) : leave(member, ...leaving.entry)
      await done.catch((error) => {
        // It is being closed, and judged by what it had heard.
        if (members.includes(member)) throw error
      })
    },
    /** History of these topics is lost: each handle may be told so once. */
    excuse(names: string[]) {
      for (const topic of names) losses.set(topic, [...lossesOf(topic), Date.now()])
    },
    /** Tabs are without a hub, or away. */
    part() {
      absences++
    },
    closeWorkers: () => members[0]!.tab.harm('close'),
    async replaceLeader() {
      const leader = await leaderOf(members.map(({ tab }) => tab))
      const member = members.find(({ tab }) => tab === leader)
      if (member !== undefined) await retire(member)
      await fill()
    },
    async replaceOne(random: Random) {
      await retire(pick(random, members))
      await fill()
    },
    /** As the back/forward cache does it. */
    async turnAway(random: Random) {
      const { page } = pick(random, members).tab
      await page.evaluate(() => void dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
      await pause(200 + random() * 800)
      await page.evaluate(() => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
    },
    /** In a row, without 10 s of health. */
    attempts: async () =>
      Math.max(0, ...(await Promise.all(members.map(async ({ tab }) => (await tab.status()).attempt)))),
    /** Nothing is published any more. Waits until each handle has all, and judges all of them. */
    async finish() {
      for (const member of members)
        for (const start = Date.now(); ; await pause(50)) {
          const lives = await livesOf(member)
          const missing = [...member.held.values()]
            .map((at) => lacks(lives[at]!))
            .filter((each) => each !== null)
          if (missing.length === 0) break
          if (Date.now() - start > PATIENCE) {
            const inspection = await member.tab.inspect({ timeline: 40 }).catch(String)
            throw new Error(`a tab lacks: ${missing.join('; ')}; ${JSON.stringify(inspection)}`)
          }
        }
      for (const member of members) pronounce(member, await livesOf(member), true)
    },
  }
}

export type Crew = ReturnType<typeof createCrew>
