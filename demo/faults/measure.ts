import { count, number, time } from '../format.ts'
import { labelOf } from '../line.ts'
import type { TabReport } from '../tabs.ts'
import type { FaultContext, Outcome } from './fault.ts'

/** ms until something is said not to happen any more. */
const patience = 60_000
/** ms of health after which the library's backoff starts over (S4). */
const healthyAfter = 10_000

/** What there is of a context without a card of its own. */
type Watched = Omit<FaultContext, 'say'>

/** Resolves with the first value that is not undefined, of now or later. */
export const until = <T>(
  subscribe: (look: () => void) => () => void,
  read: () => T | undefined,
  what: string,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer)
      off()
      settle()
    }
    const look = () => {
      const value = read()
      if (value !== undefined) end(() => resolve(value))
    }
    const timer = setTimeout(
      () => end(() => reject(new Error(`Not within ${time(patience)}: ${what}.`))),
      patience,
    )
    const off = subscribe(look)
    look()
  })

export const streamOf = ({ tab }: Watched) => {
  const stream = tab.line.stream()
  if (!stream) throw new Error('There is no stream: switch back to tabstream.')
  return stream
}

export const tabsOf = ({ tab }: Watched): TabReport[] => tab.tabs.all()

/** Resolves once the tabs are as asked for. */
export const untilTabs = <T>(context: Watched, read: (tabs: TabReport[]) => T | undefined, what: string) =>
  until(
    (look) => context.onTabs(look),
    () => read(tabsOf(context)),
    what,
  )

/** A server that is away for a while is tried again and again, which reads better counted. */
const describePath = (states: readonly string[]): string => {
  const tries = states.filter((state) => state === 'connecting').length
  const short = states.filter(
    (state, index) => states.indexOf(state) === index || index === states.length - 1,
  )
  return short
    .map((state) => (state === 'connecting' && tries > 1 ? `${state} ×${tries}` : state))
    .join(' → ')
}

/**
 * Waits until what was broken before is forgotten: else this fault would be measured with the longer pauses that the
 * one before has led to. A stream that has come up at the first attempt has none.
 */
const healthy = async (context: FaultContext): Promise<void> => {
  const stream = streamOf(context)
  for (;;) {
    const { state, since, attempt } = stream.status
    const left = since + healthyAfter - Date.now()
    if (state === 'open' && (attempt <= 1 || left <= 0)) return
    context.say(`Waits for ${time(healthyAfter)} of health, after which the backoff starts over …`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/** Follows what the stream says of itself, from now on. */
export const trace = (context: FaultContext) => {
  const stream = streamOf(context)
  const started = performance.now()
  const states = [labelOf(stream.status)]
  const at: number[] = [0]
  const listeners = new Set<() => void>()
  const off = stream.onStatus((status) => {
    const label = labelOf(status)
    if (label === states.at(-1)) return
    states.push(label)
    at.push(performance.now() - started)
    for (const listener of listeners) listener()
  })
  const subscribe = (look: () => void) => {
    listeners.add(look)
    return () => void listeners.delete(look)
  }

  return {
    /** Resolves with the ms from the start until the stream was open again, after it had not been. */
    back: () =>
      until(
        subscribe,
        () => (states.length > 1 && states.at(-1) === 'open' ? at.at(-1) : undefined),
        'the stream is open',
      ).finally(off),
    /** When it first said something else than open, in ms; undefined if it never did. */
    noticed: () => at[1],
    path: () => describePath(states),
  }
}

export interface Tally {
  tabs: number
  lost: number
  doubled: number
  resets: number
}

const sum = (tabs: readonly TabReport[], of: (tab: TabReport) => number) =>
  tabs.reduce((all, tab) => all + of(tab), 0)

const tally = (tabs: readonly TabReport[]): Tally => ({
  tabs: tabs.length,
  lost: sum(tabs, ({ account }) => account.lost),
  doubled: sum(tabs, ({ account }) => account.doubled),
  resets: sum(tabs, ({ account }) => account.resets),
})

/** From now on: what each tab loses and doubles until all have what is published. */
export const countLosses = (context: Watched) => {
  const before = tally(tabsOf(context))

  return async (last: number): Promise<Tally> => {
    await untilTabs(
      context,
      (tabs) => (tabs.every(({ account }) => account.last >= last) ? true : undefined),
      'every tab has every event',
    )
    const now = tally(tabsOf(context))
    return {
      tabs: now.tabs,
      lost: now.lost - before.lost,
      doubled: now.doubled - before.doubled,
      resets: now.resets - before.resets,
    }
  }
}

export const isWhole = ({ lost, doubled, resets }: Tally): boolean => lost + doubled + resets === 0

/** What became of the events, in words. */
export const tell = (published: number, losses: Tally): string => {
  const { tabs, lost, doubled, resets } = losses
  const who = tabs === 1 ? 'This tab' : `Each of ${tabs} tabs`
  const told = resets > 0 ? `, ${count(resets, 'reset')} told` : ''
  return `${count(published, 'event')} meanwhile. ${who} has them: lost ${number(lost)}, doubled ${number(doubled)}${told}.`
}

/** The pattern of most faults: break it, publish meanwhile, wait until it is back, and count. */
export const breakAndCount = async (
  context: FaultContext,
  published: number,
  act: () => Promise<number>,
): Promise<Outcome & { path: string; back: number; noticed: number }> => {
  await healthy(context)
  context.say('Under way …')
  const counted = countLosses(context)
  const traced = trace(context)
  const [last, back] = await Promise.all([act(), traced.back()])
  const losses = await counted(last)
  return {
    kept: isWhole(losses),
    path: traced.path(),
    back,
    noticed: traced.noticed() ?? 0,
    text: `${traced.path()}. Back after ${time(back)}. ${tell(published, losses)}`,
  }
}
