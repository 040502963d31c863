import { ownOf } from '../../src/shared/control.ts'
import type { SharedLoadInspection } from '../../src/shared/inspection.ts'
import type { Place, ShareAnswer, ShareNeed, ShareOutcome } from '../../src/shared/protocol.ts'
import { withLimit } from '../../src/shared/with-limit.ts'
import { type Platform, pause } from '../base/platform.ts'
import type { Log } from '../log/log.ts'
import { nextToAsk } from './ask-for-token.ts'
import { createKeptResults, meets } from './kept-results.ts'
import type { Session } from './session.ts'

/** How many keys may have a load, or callers that wait for one. */
const MOST_KEYS = 200
/** Characters of a key, with what the page puts before the application's own. */
const LONGEST_KEY = 500
/** ms between two looks at whether the tab that loads still runs, and for it to show that. */
const LOOK = 3_000

/** What this file needs of a session. */
type Tab = Pick<Session, 'seen' | 'sign'>

export interface SharedLoadsOptions {
  platform: Pick<Platform, 'now' | 'after' | 'uuid'>
  log: Pick<Log, 'first' | 'place' | 'position'>
  /** Whether the stream stands, of whichever hub. */
  isOpen(): boolean
}

/**
 * One load for all tabs of this hub (ST5). One tab runs it, all who wait for it get what it gives. A load is known by the
 * log's head when it began. So nobody gets a value from before the event for whose sake it is wanted.
 */
export interface SharedLoads {
  /** Answers once there is a value, or once this tab is to run the load. Never answers a tab that is gone. */
  share(tab: Tab, key: string, need: ShareNeed): Promise<ShareAnswer>
  /** The tab that was to run this load has done so. */
  shared(tab: Tab, load: string, outcome: ShareOutcome): void
  /** The tab wants this key no more. */
  unshare(tab: Tab, key: string): void
  /** Resolves `true` once nobody wants the load any more, `false` once it is settled, or another tab runs it. */
  unwanted(load: string): Promise<boolean>
  left(tab: Tab): void
  /** The log or the stream's state has changed. */
  look(): void
  inspect(): SharedLoadInspection[]
  /** Forgets everything (A4). */
  close(): void
}

interface Caller {
  tab: Tab
  need: ShareNeed
  /** Counts the calls and the loads of this hub. */
  number: number
  answer(answer: ShareAnswer): void
}

interface Load {
  id: string
  place: Place
  /** As in `Caller`. */
  number: number
  tab: Tab
  /** Whether the tab that runs it wants it itself. */
  isWantedThere: boolean
  /** As the caller asked that runs it. */
  kept: ShareNeed['kept']
  isWatched: boolean
  isUnwanted: Promise<boolean>
  end(isUnwanted: boolean): void
}

interface Entry {
  callers: Caller[]
  load: Load | null
}

const STRENGTH: ShareNeed['kept'][] = ['none', 'event', 'state']
const tooMany = (message: string): ShareAnswer => ({ is: 'error', error: { name: 'TypeError', message } })

/** Over 80 lines: who waits, and who loads. Each function here changes both. */
export const createSharedLoads = ({ platform, log, isOpen }: SharedLoadsOptions): SharedLoads => {
  const entries = new Map<string, Entry>()
  const results = createKeptResults(log, platform)
  let numbers = 0

  /** Whether the value of this load will do: it began after the call, or at a place that the caller names. */
  const serves = ({ place, number }: Load, caller: Caller) =>
    caller.number < number || meets(place, caller.need.at)
  /** A load of state begins once the stream stands, so that nothing is missed from then on (ST4). */
  const isDue = ({ need: { kept, topic } }: Caller) =>
    kept !== 'state' || (isOpen() && (topic === null || ownOf(log.position().topics, topic)?.is === 'live'))

  const begin = (key: string, entry: Entry) => {
    const due = entry.callers.filter(isDue)
    const tab = nextToAsk(
      due.map((caller) => caller.tab),
      new Set(),
    )
    const first = due.find((caller) => caller.tab === tab)
    if (first === undefined) {
      if (entry.callers.length === 0) entries.delete(key)
      return
    }
    let end = (_: boolean) => {}
    const isUnwanted = new Promise<boolean>((resolve) => {
      end = resolve
    })
    const load: Load = {
      id: platform.uuid(),
      place: log.place(),
      number: ++numbers,
      tab: first.tab,
      isWantedThere: true,
      kept: first.need.kept,
      isWatched: false,
      isUnwanted,
      end,
    }
    entry.load = load
    entry.callers = entry.callers.filter((caller) => caller !== first)
    first.answer({ is: 'run', load: load.id, place: load.place })
    if (entry.callers.length > 0) void watch(key, entry, load)
  }

  const endLoad = (key: string, entry: Entry, isUnwanted: boolean) => {
    entry.load?.end(isUnwanted)
    entry.load = null
    begin(key, entry)
  }

  /** A tab that is frozen lives, and loads nothing. Another one loads in its place, if one waits. */
  const watch = async (key: string, entry: Entry, load: Load) => {
    if (load.isWatched) return
    load.isWatched = true
    while (entry.load === load) {
      await pause(platform, LOOK)
      const isWaitedFor = () => entry.load === load && entry.callers.some((caller) => caller.tab !== load.tab)
      if (!isWaitedFor()) continue
      const runs = await withLimit(platform, load.tab.sign(), LOOK).then(
        () => true,
        () => false,
      )
      if (!runs && isWaitedFor()) endLoad(key, entry, false)
    }
  }

  /** Ends a load that nobody wants any more. */
  const dropUnwanted = (key: string, entry: Entry) => {
    const { load, callers } = entry
    if (load === null) begin(key, entry)
    else if (!load.isWantedThere && !callers.some((caller) => serves(load, caller))) endLoad(key, entry, true)
  }

  const ofLoad = (id: string) => [...entries].find(([, { load }]) => load?.id === id)

  return {
    share: (tab, key, need) =>
      new Promise((answer) => {
        if (key.length > LONGEST_KEY) return answer(tooMany(`A key has ${LONGEST_KEY} characters at most.`))
        const found = results.find(key, need)
        if (found !== null) return answer({ is: 'value', ...found })
        const entry = entries.get(key) ?? { callers: [], load: null }
        if (!entries.has(key) && entries.size >= MOST_KEYS)
          return answer(tooMany(`At most ${MOST_KEYS} keys are loaded at a time.`))
        entries.set(key, entry)
        entry.callers.push({ tab, need, number: ++numbers, answer })
        if (entry.load === null) begin(key, entry)
        else void watch(key, entry, entry.load)
      }),
    shared(tab, id, outcome) {
      const [key, entry] = ofLoad(id) ?? []
      const load = entry?.load
      if (key === undefined || load == null || load.tab !== tab) return
      const { place } = load
      const served = entry!.callers.filter((caller) => serves(load, caller))
      entry!.callers = entry!.callers.filter((caller) => !served.includes(caller))
      if (outcome.ok) {
        const { value } = outcome
        const kept = [load.kept, ...served.map(({ need }) => need.kept)]
        results.keep(key, { value, place }, STRENGTH.findLast((each) => kept.includes(each))!)
        for (const { answer } of served) answer({ is: 'value', value, place })
      } else for (const { answer } of served) answer({ is: 'error', error: outcome.error })
      endLoad(key, entry!, false)
    },
    unshare(tab, key) {
      const entry = entries.get(key)
      if (entry === undefined) return
      const error = { name: 'AbortError', message: 'The tab wants it no more.' }
      for (const { tab: its, answer } of entry.callers) if (its === tab) answer({ is: 'error', error })
      entry.callers = entry.callers.filter((caller) => caller.tab !== tab)
      if (entry.load?.tab === tab) entry.load.isWantedThere = false
      dropUnwanted(key, entry)
    },
    unwanted: async (id) => ofLoad(id)?.[1].load?.isUnwanted ?? false,
    left(tab) {
      for (const [key, entry] of entries) {
        entry.callers = entry.callers.filter((caller) => caller.tab !== tab)
        if (entry.load?.tab === tab) endLoad(key, entry, false)
        else dropUnwanted(key, entry)
      }
    },
    look() {
      for (const [key, entry] of entries) if (entry.load === null) begin(key, entry)
    },
    inspect: () => [
      ...[...entries].map(([key, { load, callers }]) => ({
        key,
        state: load === null ? ('waiting' as const) : ('running' as const),
        tabs: new Set([...callers.map((caller) => caller.tab), ...(load?.isWantedThere ? [load.tab] : [])])
          .size,
        seq: load?.place.seq ?? null,
        size: null,
      })),
      ...results.inspect(),
    ],
    close() {
      for (const entry of entries.values()) {
        entry.load?.end(false)
        entry.load = null
      }
      entries.clear()
    },
  }
}
