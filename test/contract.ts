import assert from 'node:assert/strict'

/** What a stream over any kind of host promises its tabs, as scenarios that know nothing of the host. */

/** Event types of which every event that `publish` makes is one. */
export const TYPES = ['chapter.updated', 'task.progress_updated'] as const
export type Type = (typeof TYPES)[number]

export interface TabOptions {
  from?: 'now' | 'start' | { last: number } | { after: string }
  /** Event types to listen to; all of them by default. */
  types?: Type[]
}

/** A page with the real client in it. */
export interface ContractTab {
  /** The numbers of the events that its listeners were given, in that order. */
  heard(): Promise<number[]>
  resets(): Promise<string[]>
  errors(): Promise<string[]>
  state(): Promise<string>
  metrics(): Promise<{ tabs: number; eventsReceived: { total: number }; resets: number }>
  inspect(): Promise<{
    status: { state: string; lastEventId: string; tabs: number }
    sessions: { lag: number }[]
    log: { first: number; head: number; committed: number; lastEventId: string }
  }>
  /** Into the back/forward cache, and out of it. */
  hide(): Promise<void>
  show(): Promise<void>
  /** `stream.close()`. */
  close(): Promise<void>
  /** The page is gone. */
  end(): Promise<void>
}

/** A browser, what runs in it, and a server. */
export interface Arena {
  /** Resolves once the tab's stream is open. */
  open(options?: TabOptions): Promise<ContractTab>
  /** The next so many events. @returns their numbers */
  publish(count: number, type?: Type): Promise<number[]>
  /** Breaks the connection to the server, which is there again at once. */
  cut(): Promise<void>
  /** Breaks it, and lets it come back to a server that no longer knows where the stream was. */
  lapse(): Promise<void>
  /** Ends every worker. */
  killHubs(): Promise<void>
  /** Streams at the server, now and at most. */
  streams(): number
  peak(): number
  /** Waits until `read` comes to `expected`. */
  eventually<T>(read: () => Promise<T> | T, expected: T): Promise<void>
}

export interface Scenario {
  name: string
  run(arena: Arena): Promise<void>
}

/** D1, for tabs that listened all the while: these events, each once, in order, and nothing else was told. */
const heardExactly = async (arena: Arena, tabs: ContractTab[], numbers: number[], resets: string[] = []) => {
  for (const tab of tabs) {
    await arena.eventually(async () => (await tab.heard()).at(-1), numbers.at(-1))
    assert.deepEqual(await tab.heard(), numbers)
    assert.deepEqual(await tab.resets(), resets)
  }
}

const openMany = async (arena: Arena, count: number) => {
  const tabs: ContractTab[] = []
  while (tabs.length < count) tabs.push(await arena.open())
  return tabs
}

export const scenarios: Scenario[] = [
  {
    name: 'S1 D1 every tab hears every event once, in order, over one stream',
    async run(arena) {
      const tabs = await openMany(arena, 3)
      const sent = await arena.publish(1)
      sent.push(...(await arena.publish(20)), ...(await arena.publish(300)))
      await heardExactly(arena, tabs, sent)
      assert.deepEqual([arena.streams(), arena.peak()], [1, 1])
    },
  },
  {
    name: 'D5 a late tab hears from where it says: now, the last n, after an id, the start',
    async run(arena) {
      const early = await arena.open()
      const before = await arena.publish(6)
      await heardExactly(arena, [early], before)
      const id = (await early.inspect()).log.lastEventId
      before.push(...(await arena.publish(4)))
      await heardExactly(arena, [early], before)
      // What is not committed yet is not "before" to a hub that has yet to hear of the leader.
      await arena.eventually(async () => {
        const { sessions, log } = await early.inspect()
        return [sessions[0]!.lag, log.head - log.committed]
      }, [0, 0])
      const last = await arena.open({ from: { last: 3 } })
      const start = await arena.open({ from: 'start' })
      await heardExactly(arena, [last], before.slice(-3))
      const behind = await arena.open({ from: { after: id } })
      const late = await arena.open()
      const after = await arena.publish(2)
      await heardExactly(arena, [late], after)
      await heardExactly(arena, [last], [...before.slice(-3), ...after])
      await heardExactly(arena, [behind], [...before.slice(-4), ...after])
      await heardExactly(arena, [early, start], [...before, ...after])
    },
  },
  {
    name: 'D1 a tab hears the types that it listens to, and no others',
    async run(arena) {
      const [chapter, task] = TYPES
      const all = await arena.open()
      const chapters = await arena.open({ types: [chapter] })
      const both = await arena.open({ types: [task, chapter] })
      const first = await arena.publish(3, chapter)
      const second = await arena.publish(3, task)
      const third = await arena.publish(2, chapter)
      await heardExactly(arena, [all, both], [...first, ...second, ...third])
      await heardExactly(arena, [chapters], [...first, ...third])
    },
  },
  {
    name: 'T1 tabs that end, the first one too, take nothing from the others',
    async run(arena) {
      const [first, second, third] = await openMany(arena, 3)
      const sent = await arena.publish(5)
      await heardExactly(arena, [first!, second!, third!], sent)
      await first!.end()
      sent.push(...(await arena.publish(5)))
      await heardExactly(arena, [second!, third!], sent)
      await third!.end()
      sent.push(...(await arena.publish(5)))
      await heardExactly(arena, [second!], sent)
      assert.equal(arena.peak(), 1)
    },
  },
  {
    name: 'T3 a tab that was away comes back with its cursor, and gets what it missed',
    async run(arena) {
      const [away, stays] = await openMany(arena, 2)
      const sent = await arena.publish(3)
      await heardExactly(arena, [away!, stays!], sent)
      await away!.hide()
      const missed = await arena.publish(20)
      await heardExactly(arena, [stays!], [...sent, ...missed])
      assert.deepEqual(await away!.heard(), sent)
      await away!.show()
      await heardExactly(arena, [away!], [...sent, ...missed])
      const later = await arena.publish(2)
      await heardExactly(arena, [away!, stays!], [...sent, ...missed, ...later])
      assert.equal(arena.peak(), 1)
    },
  },
  {
    name: 'S4 D1 a stream that is cut resumes, and nothing is lost or told',
    async run(arena) {
      const tabs = await openMany(arena, 2)
      const sent = await arena.publish(3)
      for (let cuts = 0; cuts < 2; cuts++) {
        await heardExactly(arena, tabs, sent)
        await arena.cut()
        sent.push(...(await arena.publish(10)))
      }
      await heardExactly(arena, tabs, sent)
      assert.equal(arena.peak(), 1)
    },
  },
  {
    name: 'T2 D2 hubs that die are replaced, and every tab goes on from its cursor',
    async run(arena) {
      const tabs = await openMany(arena, 3)
      const sent = await arena.publish(20)
      for (let deaths = 0; deaths < 2; deaths++) {
        await heardExactly(arena, tabs, sent)
        await arena.killHubs()
        sent.push(...(await arena.publish(20)))
      }
      await heardExactly(arena, tabs, sent)
      for (const tab of tabs) assert.deepEqual(await tab.errors(), [])
      assert.equal(arena.peak(), 1)
    },
  },
  {
    name: 'D1 R4 a reset from the server is told once to each tab, before anything newer',
    async run(arena) {
      const tabs = await openMany(arena, 3)
      const sent = await arena.publish(3)
      await heardExactly(arena, tabs, sent)
      await arena.lapse()
      for (const tab of tabs) await arena.eventually(() => tab.resets(), ['server'])
      sent.push(...(await arena.publish(3)))
      await heardExactly(arena, tabs, sent, ['server'])
      const late = await arena.open({ from: 'start' })
      await heardExactly(arena, [late], sent.slice(-3))
    },
  },
  {
    name: 'metrics() and inspect() agree with each other, and with what happened',
    async run(arena) {
      const tabs = await openMany(arena, 2)
      const sent = await arena.publish(7)
      await heardExactly(arena, tabs, sent)
      for (const tab of tabs) {
        const [metrics, { status, sessions, log }] = [await tab.metrics(), await tab.inspect()]
        assert.equal(metrics.eventsReceived.total, 7)
        assert.equal(log.head - log.first + 1, 7)
        assert.equal(metrics.resets, 0)
        assert.deepEqual([metrics.tabs, status.tabs], [sessions.length, sessions.length])
        assert.deepEqual([status.state, await tab.state()], ['open', 'open'])
        assert.equal(status.lastEventId, log.lastEventId)
        assert.ok(sessions.every(({ lag }) => lag === 0))
      }
    },
  },
  {
    name: 'close() ends it in one tab, and the last one takes the stream along',
    async run(arena) {
      const [one, two] = await openMany(arena, 2)
      const sent = await arena.publish(2)
      await heardExactly(arena, [one!, two!], sent)
      await one!.close()
      assert.equal(await one!.state(), 'closed')
      const more = await arena.publish(2)
      await heardExactly(arena, [two!], [...sent, ...more])
      assert.deepEqual(await one!.heard(), sent)
      await two!.close()
      await arena.eventually(() => arena.streams(), 0)
    },
  },
]
