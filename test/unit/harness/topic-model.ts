import { type Control, ownOf, type TopicRecords } from '../../../src/shared/control.ts'
import type { LoggedEvent } from '../../../src/shared/events.ts'
import { afterControl } from '../../../worker/log/after-control.ts'
import { createTopicNews } from '../../../worker/tabs/topic-news.ts'
import { judgeMarker } from '../../../worker/topics/marker.ts'
import { createPlanner, type Planner } from '../../../worker/topics/planner.ts'
import { refusal } from './controls.ts'

/*
 * A model of topics: a server with one order, a hub with a log and commits, and three tabs with one cursor each. Planner,
 * marker, controls and what a tab is told are the real ones; log, commits and delivery are as simple as they can be. The
 * property: a page that loads its state when a topic becomes live, and applies what it hears, ends with all of it.
 */

export const TOPICS = ['a', 'b', 'constructor'] as const

/** Rules that are left out, to see that the property needs them. */
export type Mutation =
  | 'none'
  | 'told-before-commit'
  | 'marker-without-id'
  | 'joined-uncommitted'
  | 'attach-waits'

export type Step =
  | { do: 'publish' | 'revoke' | 'grant'; topic: string }
  | { do: 'join' | 'leave'; tab: number; topic: string }
  | { do: 'read'; count: number }
  | { do: 'deliver'; tab: number; count: number }
  | { do: 'attach'; tab: number }
  | { do: 'time'; ms: number }
  | { do: 'commit' | 'cut' | 'crash' }

type Wire =
  | { is: 'event'; topic: string; n: number; id: number }
  | { is: 'marker'; rev: number; id: number; statuses: [string, number][] }

interface Hub {
  log: LoggedEvent[]
  id: number
  topics: TopicRecords
  committed: number
  planner: Planner
}

/** A page's own account of one topic. */
interface Held {
  isLive: boolean
  state: number
  heard: number
  /** The seqs of what it heard, by id. */
  seqs: Map<number, number>
  /** What it heard from a hub that died before the commit: it may come again. */
  ghosts: Set<number>
}

const createServer = () => {
  const order: { topic: string; n: number }[] = []
  const latest = new Map<string, number>()
  const refused = new Set<string>()
  let stream: { set: Set<string>; sent: number; wire: Wire[]; rev: number } | null = null

  const send = () => {
    for (; stream !== null && stream.sent < order.length; stream.sent++) {
      const event = order[stream.sent]!
      if (stream.set.has(event.topic)) stream.wire.push({ is: 'event', ...event, id: stream.sent + 1 })
    }
  }
  const mark = (statuses: [string, number][]) =>
    stream?.wire.push({ is: 'marker', rev: stream.rev, id: stream.sent, statuses })
  const statusOf = (name: string): [string, number] => [name, refused.has(name) ? 403 : 200]
  const join = (names: string[]) => {
    for (const name of names) if (!refused.has(name)) stream!.set.add(name)
  }

  return {
    latest: (topic: string) => latest.get(topic) ?? 0,
    stream: () => stream,
    publish(topic: string) {
      const n = (latest.get(topic) ?? 0) + 1
      latest.set(topic, n)
      order.push({ topic, n })
      send()
    },
    open(after: number, names: string[]) {
      stream = { set: new Set(), sent: after, wire: [], rev: 0 }
      join(names)
      mark(names.map(statusOf))
      send()
    },
    put(rev: number, names: string[]) {
      if (stream === null || rev <= stream.rev) return 409
      const isNew = (name: string) => !stream!.set.has(name)
      stream.rev = rev
      const statuses = names.filter(isNew).map(statusOf)
      for (const name of [...stream.set]) if (!names.includes(name)) stream.set.delete(name)
      join(names)
      mark(statuses)
      return 202
    },
    revoke(topic: string) {
      refused.add(topic)
      if (stream?.set.delete(topic)) mark([[topic, 403]])
    },
    grant(topic: string) {
      if (refused.delete(topic) && stream !== null) {
        stream.set.add(topic)
        mark([[topic, 200]])
      }
    },
    close() {
      stream = null
    },
  }
}

/** Over 80 lines: what a hub, its log and its tabs do, each in a few lines. */
const createWorld = (change: 'auto' | 'reopen', mutation: Mutation) => {
  const server = createServer()
  const disk = { log: [] as LoggedEvent[], id: 0, topics: {} as TopicRecords }
  const tabs = TOPICS.map(() => ({
    cursor: null as number | null,
    isAttached: false,
    generation: 0,
    topics: new Map<string, Held>(),
    news: createTopicNews({ position: () => ({}) as never }, { now: () => 0 }),
  }))
  type Tab = (typeof tabs)[number]
  let hub: Hub | null = null
  let now = 0
  /** Where the log of each hub began: what lay beyond is no part of it. */
  const bases: number[] = []
  const requests = { opens: 0, puts: 0 }

  const begin = (): Hub => {
    bases.push(disk.log.length)
    const planner = createPlanner({ param: 'topic', change, grace: 30_000, most: 100 })
    return { ...disk, log: [...disk.log], committed: disk.log.length, planner }
  }
  const commit = ({ log, id, topics }: Hub) => {
    Object.assign(disk, { log: [...log], id, topics })
    hub!.committed = log.length
  }
  const append = (mine: Hub, topic: string, type: string, data: string, id = mine.id) => {
    const event = {
      seq: mine.log.length + 1,
      id: String(id),
      hasOwnId: type !== '',
      type,
      data,
      at: 0,
      topic,
    }
    mine.log.push(event)
    if (type === '') mine.topics = afterControl(mine.topics, event)
  }
  const control = (mine: Hub, topic: string, what: Control) => append(mine, topic, '', JSON.stringify(what))
  const left = (mine: Hub, names: string[]) => {
    for (const name of Object.keys(mine.topics))
      if (!names.includes(name)) control(mine, name, { is: 'left' })
  }
  const want = (mine: Hub) =>
    mine.planner.want(
      tabs.flatMap((tab) => (tab.isAttached ? [...tab.topics.keys()] : [])),
      now,
    )
  const open = (mine: Hub) => {
    requests.opens++
    mine.planner.closed()
    const live = Object.entries(mine.topics).flatMap(([name, { is }]) => (is === 'live' ? [name] : []))
    mine.planner.keep(live, now)
    want(mine)
    const { names } = mine.planner.ask(now)
    left(mine, names)
    server.open(mine.id, names)
    mine.planner.opened(true, now)
  }
  const step = (mine: Hub) => {
    if (server.stream() === null) return open(mine)
    want(mine)
    const next = mine.planner.next(now)
    if (next.do === 'reopen') open(mine)
    if (next.do !== 'put') return
    requests.puts++
    left(mine, next.names)
    mine.planner.answered(server.put(next.rev, next.names), null, now)
  }
  const read = (mine: Hub, count: number) => {
    for (let left = count; left > 0 && server.stream() !== null; left--) {
      const wire = server.stream()!.wire.shift()
      if (wire === undefined) break
      if (wire.is === 'event') {
        mine.id = wire.id
        if (ownOf(mine.topics, wire.topic)?.is === 'live') append(mine, wire.topic, 'message', String(wire.n))
        continue
      }
      if (mutation !== 'marker-without-id') mine.id = Math.max(mine.id, wire.id)
      const { isAsked } = mine.planner
      const errorOf = (_: unknown, __: unknown, ___: unknown, topic: string) => refusal(topic)
      const { controls, isLater } = judgeMarker(wire, { isAsked, records: mine.topics, errorOf })
      for (const [name, what] of controls) control(mine, name, what)
      mine.planner.marked(wire.rev, isLater, now)
    }
    if (mine.log.slice(mine.committed).some(({ type }) => type === '') && mutation !== 'told-before-commit')
      commit(mine)
  }

  const load = (its: Held, topic: string) => {
    if (!its.isLive) its.state = server.latest(topic)
    its.isLive = true
  }
  const tell = (tab: Tab, name: string, what: Control) => {
    const its = tab.topics.get(name)
    if (what.is === 'live') {
      if (its !== undefined) load(its, name)
    } else if (its !== undefined && what.is !== 'reset') its.isLive = false
  }
  /** Tells a tab what it is to know at its cursor, which has to be committed. */
  const tellNews = (mine: Hub, tab: Tab) => {
    if (mutation !== 'joined-uncommitted' && mine.committed < tab.cursor!) commit(mine)
    const news = tab.news.take({ epoch: 'e', seq: tab.cursor! }) ?? {}
    for (const [name, what] of Object.entries(news)) tell(tab, name, what)
  }
  const attach = (mine: Hub, tab: Tab) => {
    if (tab.isAttached) return
    tab.isAttached = true
    const { generation } = tab
    tab.generation = bases.length
    tab.news = createTopicNews(
      { position: () => ({ epoch: 'e', topics: mine.topics }) as never },
      { now: () => now },
    )
    if (tab.cursor === null) {
      tab.cursor = mine.log.length
      return
    }
    tab.cursor = Math.min(tab.cursor, mine.log.length, ...bases.slice(generation))
    for (const its of tab.topics.values())
      for (const [id, seq] of its.seqs)
        if (seq > tab.cursor) {
          its.ghosts.add(id)
          its.seqs.delete(id)
        }
    if (mutation === 'attach-waits') return
    tab.news.moved([...tab.topics.keys()])
    tellNews(mine, tab)
  }
  const hear = (its: Held, name: string, { id, seq, data }: LoggedEvent) => {
    const n = Number(data)
    its.seqs.set(Number(id), seq)
    if (its.ghosts.delete(Number(id))) return
    if (n <= its.heard) throw new Error(`${name}: ${n} after ${its.heard}`)
    its.heard = n
    if (n <= its.state) return
    if (n !== its.state + 1) throw new Error(`${name}: a hole from ${its.state} to ${n}`)
    its.state = n
  }
  const deliver = (mine: Hub, tab: Tab, count: number) => {
    for (let left = count; tab.isAttached && left > 0 && tab.cursor! < mine.log.length; left--) {
      const event = mine.log[tab.cursor!]!
      const isHeld = event.type === '' && event.seq > mine.committed
      if (isHeld && mutation !== 'told-before-commit') return
      tab.cursor!++
      const its = tab.topics.get(event.topic!)
      if (event.type === '') tell(tab, event.topic!, JSON.parse(event.data))
      else if (its?.isLive) hear(its, event.topic!, event)
    }
  }
  const join = (mine: Hub, tab: Tab, topic: string) => {
    if (!tab.isAttached || tab.topics.has(topic)) return
    tab.topics.set(topic, { isLive: false, state: 0, heard: 0, seqs: new Map(), ghosts: new Set() })
    tab.news.joined([topic])
    tellNews(mine, tab)
  }

  const take = (given: Step) => {
    if (given.do === 'publish' || given.do === 'revoke' || given.do === 'grant')
      return server[given.do](given.topic)
    if (given.do === 'attach') {
      hub ??= begin()
      return attach(hub, tabs[given.tab]!)
    }
    if (hub === null) return
    const mine = hub
    switch (given.do) {
      case 'join':
        return join(mine, tabs[given.tab]!, given.topic)
      case 'leave':
        return void (tabs[given.tab]!.isAttached && tabs[given.tab]!.topics.delete(given.topic))
      case 'read':
        return read(mine, given.count)
      case 'deliver':
        return deliver(mine, tabs[given.tab]!, given.count)
      case 'time':
        now += given.ms
        return step(mine)
      case 'commit':
        return commit(mine)
      case 'cut':
        server.close()
        return mine.planner.closed()
      case 'crash':
        hub = null
        server.close()
        for (const tab of tabs) tab.isAttached = false
    }
  }

  /** All come back, all is allowed, and once asked anew all is read. */
  const settle = () => {
    for (const topic of TOPICS) server.grant(topic)
    for (const tab of tabs.keys()) take({ do: 'attach', tab })
    open(hub!)
    read(hub!, Number.POSITIVE_INFINITY)
    commit(hub!)
    for (const [at, tab] of tabs.entries()) {
      deliver(hub!, tab, Number.POSITIVE_INFINITY)
      for (const [name, its] of tab.topics) {
        if (!its.isLive) throw new Error(`tab ${at}: ${name} is not live at the end`)
        if (its.state !== server.latest(name))
          throw new Error(`tab ${at}: ${name} ends with ${its.state} of ${server.latest(name)}`)
      }
    }
  }

  for (const tab of tabs.keys()) take({ do: 'attach', tab })
  return { take, settle, requests }
}

/** @returns how many requests were made @throws Error the property does not hold */
export const runModel = (change: 'auto' | 'reopen', steps: Step[], mutation: Mutation = 'none') => {
  const world = createWorld(change, mutation)
  for (const step of steps) world.take(step)
  world.settle()
  return world.requests
}
