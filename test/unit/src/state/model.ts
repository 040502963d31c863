import type { Core } from '../../../../src/core.ts'
import { createListenerSet } from '../../../../src/delivery/listener-set.ts'
import { createListeners } from '../../../../src/delivery/listeners.ts'
import { createPayloads } from '../../../../src/delivery/payloads.ts'
import { idleStatus } from '../../../../src/idle-status.ts'
import { Snapshot, type StateCurrent, StreamError } from '../../../../src/index.ts'
import type { LogCode, StateCell } from '../../../../src/log-methods.ts'
import type { Cursor, LoggedEvent, ResetReason } from '../../../../src/shared/events.ts'
import { pack } from '../../../../src/shared/packed-events.ts'
import type {
  HubApi,
  Lineage,
  Place,
  ReadAnswer,
  ReadRequest,
  ShareAnswer,
  ShareNeed,
  ShareOutcome,
} from '../../../../src/shared/protocol.ts'
import { createLog } from '../../../../src/state/index.ts'

/** What a load gives: all numbers that were published when the server looked. */
export type Load = () => Promise<number[] | Snapshot<number[]>>

/** Lets promises run that wait for nothing but each other. */
export const breathe = async () => {
  for (let turn = 0; turn < 40; turn++) await null
}

/**
 * A server, one hub at a time, and tabs, of which each step moves one thing: a number is published, or reaches the hub, or
 * is committed, or is sent to a tab, or handled there. Messages of one port keep their order. A hub that dies takes with
 * it what was not committed, and what was on its way. What a page calls is asked again at the next hub, as
 * `Attachment.call` does.
 */
export const createModel = () => {
  const published: number[] = []
  const tabs = new Set<Tab>()
  let hubs = 0
  let epochs = 0
  let loads = 0

  interface Running {
    load: string
    key: string
    place: Place
    runner: Tab
    waiting: { tab: Tab; need: ShareNeed; answer(answer: ShareAnswer): void }[]
  }
  interface Hub {
    leader: string
    epoch: string
    leaders: Lineage['leaders']
    log: LoggedEvent[]
    head: number
    committed: number
    /** How many of the published numbers it has received. */
    received: number
    running: Map<string, Running>
    kept: Map<string, { value: unknown; place: Place }>
    /** Those who wait for an id look again. */
    places: (() => void)[]
  }
  const newHub = (from: Pick<Hub, 'epoch' | 'leaders' | 'log' | 'head' | 'received'>): Hub => {
    const leader = `leader ${++hubs}`
    const leaders = [...from.leaders, { leader, startsAfter: from.head, lastEventId: '' }]
    return { ...from, leader, leaders, committed: from.head, running: new Map(), kept: new Map(), places: [] }
  }
  let hub = newHub({ epoch: 'epoch 0', leaders: [], log: [], head: 0, received: 0 })

  interface Tab {
    /** What the hub has sent, and the page has not handled. */
    port: (() => void)[]
    /** Up to where the hub has sent. */
    sent: Cursor
    reset: ResetReason | null
    cell: StateCell
    told: StateCurrent<unknown>[]
    stop(): void
    pending: Set<() => void>
    /** After a hub's death: what the page has heard, and the next hub may send again. */
    rewind(to: number): void
    isClosed: boolean
    deliver(events: LoggedEvent[], to: Cursor, reset: ResetReason | null, leaders: Lineage['leaders']): void
  }

  const placeOf = (seq: number): Place => ({ epoch: hub.epoch, seq, leader: hub.leaders.at(-1)!.leader })
  const meets = (place: Place, at: Cursor | null) =>
    at === null || (place.epoch === at.epoch && place.seq >= at.seq)

  /** One load after the other: those whose need the last one did not meet share the next. */
  const run = (key: string, first: Running['waiting'][number], rest: Running['waiting']) => {
    const place = placeOf(hub.head)
    const load = `load ${++loads}`
    hub.running.set(key, { load, key, place, runner: first.tab, waiting: rest })
    first.answer({ is: 'run', load, place })
  }
  const calls = (tab: Tab) => ({
    read: (what: ReadRequest, answer: (given: ReadAnswer) => void) => {
      const { from } = what
      const upTo = tab.sent.epoch === hub.epoch ? tab.sent.seq : 0
      const isOther = 'behind' in from && from.behind.epoch !== hub.epoch
      const since = 'behind' in from && !isOther ? from.behind.seq : 0
      const events = hub.log.filter(({ seq }) => seq > since && seq <= upTo)
      answer({
        cursor: placeOf(upTo),
        events: pack('last' in from ? events.slice(-from.last) : events),
        isWhole: !isOther && since <= hub.head,
      })
    },
    share: (key: string, need: ShareNeed, answer: (given: ShareAnswer) => void) => {
      const kept = hub.kept.get(key)
      if (need.kept !== 'none' && kept !== undefined && meets(kept.place, need.at))
        return answer({ is: 'value', ...kept })
      const running = hub.running.get(key)
      const caller = { tab, need, answer }
      if (running === undefined) run(key, caller, [])
      else running.waiting.push(caller)
    },
    shared: (load: string, outcome: ShareOutcome) => {
      const running = [...hub.running.values()].find((each) => each.load === load)
      if (running === undefined) return
      const { key, place, waiting } = running
      hub.running.delete(key)
      if (outcome.ok) hub.kept.set(key, { value: outcome.value, place })
      const rest = waiting.filter(({ tab, need, answer }) => {
        if (tab.isClosed || !meets(place, need.at)) return !tab.isClosed
        answer(
          outcome.ok ? { is: 'value', value: outcome.value, place } : { is: 'error', error: outcome.error },
        )
        return false
      })
      if (rest.length > 0) run(key, rest[0]!, rest.slice(1))
    },
    unshare: (key: string) => {
      const running = hub.running.get(key)
      if (running === undefined) return
      running.waiting = running.waiting.filter((each) => each.tab !== tab)
      if (running.runner !== tab) return
      hub.running.delete(key)
      const [first, ...rest] = running.waiting
      if (first !== undefined) run(key, first, rest)
    },
    place: (id: string, answer: (given: Place | null) => void) => {
      const number = Number(id)
      const start = hub.received - hub.head
      if (number < start) answer(null)
      else if (number <= hub.received) answer(placeOf(number - start))
      else hub.places.push(() => calls(tab).place(id, answer))
    },
  })

  const open = (load: Load, reduce: (value: number[], number: number) => number[]): Tab => {
    const resets = createListenerSet<[{ reason: ResetReason }]>()
    const payloads = createPayloads(
      (data) => JSON.parse(data),
      () => {},
    )
    const listeners = createListeners(payloads)
    const status = { ...idleStatus(0), state: 'open' as const }
    let cursor: Cursor = { epoch: hub.epoch, seq: hub.head }
    let lineage = { leaders: hub.leaders, streamClient: '' } as unknown as Lineage
    let dispatched: LoggedEvent | null = null
    /** Ids that were heard of a hub that died. */
    let heardOfLost = new Set<string>()
    let heard: LoggedEvent[] = []
    /** What the hub had when the tab came is not for the tab, also of the next hub (D5). */
    const start = hub.received
    const stop = new AbortController()
    const told: StateCurrent<unknown>[] = []
    const tab: Tab = {
      port: [],
      sent: cursor,
      reset: null,
      told,
      pending: new Set(),
      isClosed: false,
      deliver() {},
      cell: { current: { status: 'loading', value: undefined, error: null } } as StateCell,
      stop() {
        tab.isClosed = true
        tabs.delete(tab)
        stop.abort()
        for (const running of [...hub.running.values()]) {
          running.waiting = running.waiting.filter((each) => each.tab !== tab)
          if (running.runner !== tab) continue
          hub.running.delete(running.key)
          const [first, ...rest] = running.waiting
          if (first !== undefined) run(running.key, first, rest)
        }
      },
      rewind(to) {
        tab.port = []
        const lost = heard.filter(({ seq }) => seq > to)
        heardOfLost = new Set([...heardOfLost, ...lost.map(({ id }) => id)])
        heard = heard.filter(({ seq }) => seq <= to)
        if (cursor.epoch === hub.epoch && cursor.seq > to) cursor = { epoch: hub.epoch, seq: to }
        tab.sent = cursor
        const welcome = { leaders: hub.leaders, streamClient: '' } as unknown as Lineage
        tab.port.push(() => {
          lineage = welcome
        })
        const again = [...tab.pending]
        for (const ask of again) ask()
      },
    }
    tab.deliver = (events, to, reset, leaders) => {
      if (reset !== null) {
        resets.emit({ reason: reset })
        heard = []
        heardOfLost = new Set()
      }
      cursor = to
      lineage = { leaders, streamClient: '' } as unknown as Lineage
      for (const event of events) {
        heard.push(event)
        if (heardOfLost.delete(event.id) || Number(event.id) <= start) continue
        dispatched = event
        listeners.dispatch(event)
      }
    }
    const hubApi = calls(tab)
    const ask = <T>(run: (answer: (given: T) => void) => void): Promise<T> =>
      new Promise((resolve) => {
        const attempt = () => {
          const { leader } = hub
          run((given) =>
            tab.port.push(() => {
              if (leader !== hub.leader || !tab.pending.delete(attempt)) return
              resolve(given)
            }),
          )
        }
        tab.pending.add(attempt)
        attempt()
      })
    const remote: Partial<{ [Name in keyof HubApi]: unknown }> = {
      read: (what: ReadRequest) => ask<ReadAnswer>((answer) => hubApi.read(what, answer)),
      share: (key: string, need: ShareNeed) => ask<ShareAnswer>((answer) => hubApi.share(key, need, answer)),
      shared: async (load: string, outcome: ShareOutcome) => hubApi.shared(load, structuredClone(outcome)),
      unshare: async (key: string) => hubApi.unshare(key),
      unwanted: () => new Promise(() => {}),
      place: (id: string) => ask<Place | null>((answer) => hubApi.place(id, answer)),
    }
    const stream = {
      status,
      onStatus: () => () => {},
      on: listeners.add,
      onReset: resets.on,
    }
    const core: Core = {
      call: (_what, run) => run(remote as never),
      follow: () => {},
      payloads,
      stream: () => stream,
      intake: { cursor: () => cursor, lineage: () => lineage },
      dispatched: () => dispatched,
      dispatching: () => undefined,
      taken: async () => {},
      tell: () => {},
      toError: (data) => new StreamError(data),
      Snapshot,
      isOver: () => false,
    }
    tabs.add(tab)
    const log: LogCode = createLog(core)
    log.state(
      stream,
      { key: 'k', load, on: { n: reduce } } as never,
      tab.cell,
      (current) => told.push(current),
      () => () => {},
      stop.signal,
    )
    return tab
  }

  return {
    published,
    tabs,
    open,
    loads: () => loads,
    publish: () => published.push(published.length + 1),
    receive() {
      if (hub.received === published.length) return
      const number = published[hub.received++]!
      const seq = ++hub.head
      hub.log.push({
        seq,
        id: String(number),
        hasOwnId: true,
        type: 'n',
        data: String(number),
        at: number,
        topic: null,
      })
      for (const look of hub.places.splice(0)) look()
    },
    commit() {
      hub.committed = hub.head
    },
    send(tab: Tab) {
      const { reset } = tab
      if (tab.sent.epoch !== hub.epoch || reset !== null) {
        tab.reset = null
        tab.sent = { epoch: hub.epoch, seq: 0 }
        const [{ epoch }, { leaders }] = [hub, hub]
        return void tab.port.push(() => tab.deliver([], { epoch, seq: 0 }, reset ?? 'server', leaders))
      }
      const since = tab.sent.seq
      const events = hub.log.filter(({ seq }) => seq > since)
      if (events.length === 0) return
      const to = { epoch: hub.epoch, seq: hub.head }
      const { leaders } = hub
      tab.sent = to
      tab.port.push(() => tab.deliver(events, to, null, leaders))
    },
    handle(tab: Tab) {
      tab.port.shift()?.()
    },
    die() {
      const { epoch, committed } = hub
      const log = hub.log.filter(({ seq }) => seq <= committed)
      const received = hub.received - (hub.head - committed)
      hub = newHub({ epoch, leaders: hub.leaders, log, head: committed, received })
      for (const tab of [...tabs]) tab.rewind(committed)
    },
    /** Continuity is lost: what the hub has not received yet is never heard. */
    reset() {
      const { leaders } = newHub({ ...hub, leaders: [], head: 0 })
      hub = {
        ...hub,
        epoch: `epoch ${++epochs}`,
        leaders,
        log: [],
        head: 0,
        committed: 0,
        received: published.length,
      }
      hub.kept.clear()
      for (const look of hub.places.splice(0)) look()
    },
  }
}

export type Model = ReturnType<typeof createModel>
