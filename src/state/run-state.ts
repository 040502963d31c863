import type { Source } from '../core.ts'
import type { StreamEvent } from '../delivery/listeners.ts'
import type { StateCell } from '../log-methods.ts'
import type { Cursor } from '../shared/events.ts'
import type { Lineage, Place } from '../shared/protocol.ts'
import type { StateCurrent, StateOptions } from '../state-options.ts'
import type { EventMap, Off } from '../stream.ts'
import { join } from './join.ts'
import { isOver, type LogCore } from './log-core.ts'
import type { SharedLoads } from './shared-load.ts'

/** ms that a load waits for the event that its snapshot names, which the stream may not have brought yet. */
const POSITION_LIMIT = 2_000

/** Where the value is shown, as `LogCode.state` takes it. */
interface Shown {
  state: StateCell
  emit(current: StateCurrent<unknown>): void
  onReload(listener: () => void): Off
}

/** ms before the first load after one that failed, and the longest. */
const FIRST = 1_000
const LONGEST = 60_000

/**
 * @param failures before this one, in a row. @returns ms to wait, the same in all tabs of one hub: they ask again together,
 *   and so make one request. Other browsers wait for another time.
 */
const waitOf = (failures: number, lineage: Lineage | null): number => {
  const sum = [...(lineage?.streamClient ?? '')].reduce((all, char) => all + char.charCodeAt(0), 0)
  return Math.min(LONGEST, FIRST * 2 ** failures) * (0.5 + (sum % 100) / 200)
}

/** What crosses to other tabs: the value, and where the events begin that are applied to it. `at`: as for the load. */
interface Loaded {
  value: unknown
  at: Place | null
}

/**
 * Keeps one value right (ST4): a load of all tabs, what the log has behind the place where the load began, and then what
 * comes live. So an event that comes after a load began is never swallowed by it.
 *
 * Over 80 lines: one value, and the turn that may show its own.
 *
 * @param key of the load, for all tabs
 * @param signal ends it
 */
export const runState = (
  core: LogCore,
  loads: SharedLoads,
  source: Source,
  key: string,
  { load, on }: StateOptions<EventMap, unknown>,
  { state, emit, onReload }: Shown,
  signal: AbortSignal,
) => {
  /** Counts the loads: of two under way, the later one is shown. */
  let turn = new AbortController()
  let failures = 0
  let retrying: { run: () => void; timer: ReturnType<typeof setTimeout> } | null = null
  /** Ends what feeds the value that is shown. */
  let leave = () => {}

  const show = (next: StateCurrent<unknown>) => {
    state.current = next
    emit(next)
  }
  const goStale = () => {
    if (state.current.status === 'live') show({ ...state.current, status: 'stale' })
  }
  const reduce = (value: unknown, payload: unknown, event: StreamEvent): unknown =>
    on[event.type]!(value, payload, event)

  const loadOne = async ({ signal, place }: { signal: AbortSignal; place: Place }): Promise<Loaded> => {
    const loaded = await load({ signal })
    if (!(loaded instanceof core.Snapshot)) return { value: loaded, at: null }
    const { value, position } = loaded
    if (position === null) return { value, at: null }
    const at = await core.call('a load', (hub) => hub.place(position, POSITION_LIMIT), POSITION_LIMIT * 6)
    return { value, at: at?.epoch === place.epoch ? at : null }
  }

  const retry = () => {
    clearTimeout(retrying?.timer)
    const run = retrying?.run
    retrying = null
    run?.()
  }
  const retryLater = (run: () => void) => {
    retrying = { run, timer: setTimeout(retry, waitOf(failures++, core.intake.lineage())) }
  }
  const fail = (error: unknown, run: () => void) => {
    const { status, value } = state.current
    if (status === 'loading' || status === 'failed') show({ status: 'failed', value: undefined, error })
    else if (status === 'stale') show({ status, value: value, error })
    retryLater(run)
  }

  /** @param at the load is to have begun there or later; `null`: whatever the hub has will do */
  const start = async (kept: 'none' | 'state', at: Cursor | null) => {
    turn.abort()
    turn = new AbortController()
    const mine = turn.signal
    clearTimeout(retrying?.timer)
    retrying = null
    const need = { at: at ?? since, kept, topic: source.name ?? null }
    let loaded: Loaded
    let place: Place
    try {
      ;({ value: loaded, place } = await loads.ask(key, need, loadOne, mine))
    } catch (error) {
      if (!mine.aborted) fail(error, () => void start(kept, at))
      return
    }
    if (mine.aborted) return
    let { value } = loaded
    let isShown = false
    const end = join(
      core,
      source,
      { types: Object.keys(on), from: { behind: loaded.at ?? place } },
      {
        take(payload, event) {
          value = reduce(value, payload, event)
          if (isShown) show({ status: 'live', value, error: null })
        },
        joined() {
          leave()
          leave = end
          mine.removeEventListener('abort', end)
          isShown = true
          failures = 0
          show({ status: 'live', value, error: null })
        },
        // The log has not all that lies between the load and now: only a newer load can do without it.
        lost() {
          goStale()
          const anew = () => void start('none', core.intake.cursor())
          if (failures === 0) anew()
          else retryLater(anew)
          failures ||= 1
        },
      },
    )
    // A later load takes over once it has its value: until then the events go on being applied to this one.
    mine.addEventListener('abort', end)
  }
  /** Where the last reset was heard: what was loaded before is worth nothing. */
  let since: Cursor | null = null
  const restart = async () => {
    turn.abort()
    leave()
    leave = () => {}
    goStale()
    // The cursor moves beyond the reset once all listeners have heard the reset.
    await null
    since = core.intake.cursor()
    if (!isEnded) void start('state', null)
  }

  let isEnded = false
  let wasOpen = core.stream().status.state === 'open'
  const stop = () => {
    if (isEnded) return
    isEnded = true
    clearTimeout(retrying?.timer)
    turn.abort()
    leave()
    for (const off of offs) off()
    show({ status: 'closed', value: undefined, error: null })
  }
  const offs = [
    source.onReset(() => void restart()),
    onReload(() => void start('none', core.intake.cursor())),
    core.stream().onStatus(({ state }) => {
      if (state === 'open' && !wasOpen) retry()
      wasOpen = state === 'open'
    }),
    source.onStatus(() => isOver(core, source) && stop()),
  ]
  signal.addEventListener('abort', stop)
  core.ended.addEventListener('abort', stop)
  if (isOver(core, source) || signal.aborted) stop()
  else void start('state', null)
}
