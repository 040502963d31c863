import type { Source } from './core.ts'
import { createListenerSet } from './delivery/listener-set.ts'
import type { Listener, ListenOptions } from './delivery/listeners.ts'
import type { OnDemand } from './on-demand.ts'
import type { State, StateCurrent, StateOptions } from './state-options.ts'
import type { EventMap, Off } from './stream.ts'

type SharedLoad = (context: { signal: AbortSignal }) => Promise<unknown>

interface ShareOptions {
  event?: unknown
  signal?: AbortSignal
}

/** What `state()` gives, as `state.js` has it. */
export interface StateCell extends State<unknown> {
  current: StateCurrent<unknown>
}

/** What a source has of the log, beside `on`. */
interface LogReads {
  latest(type: string): Promise<unknown>
  history(options?: object): Promise<unknown[]>
  seen(id: string, options?: object): Promise<void>
  share(key: string, load: SharedLoad, options?: ShareOptions): Promise<unknown>
}

/** What `state.js` holds for one stream. A source is the stream, or one handle of a topic. */
export type LogCode = {
  [Name in keyof LogReads]: (
    source: Source,
    ...rest: Parameters<LogReads[Name]>
  ) => ReturnType<LogReads[Name]>
} & {
  /** Old events, then new ones. @param listen hears the new ones */
  listen(source: Source, type: string, listener: Listener, options: ListenOptions, signal: AbortSignal): void
  /** Changes `state`, and tells `emit`, until `signal` aborts. */
  state(
    source: Source,
    options: StateOptions<EventMap, unknown>,
    state: StateCell,
    emit: (current: StateCurrent<unknown>) => void,
    onReload: (listener: () => void) => Off,
    signal: AbortSignal,
  ): void
}

export interface LogMethods extends LogReads {
  on: Source['on']
  state(options: StateOptions<EventMap, unknown>): State<unknown>
}

/** The methods that read the log, as a stream and its topics have them: little more than their names. */
export const createLogMethods = ({ code, begin }: OnDemand<LogCode>) => {
  /** @param listen hears events from now on */
  return (source: () => Source, listen: Source['on']): LogMethods => {
    const reads = {} as LogReads
    for (const name of ['latest', 'history', 'seen', 'share'] as const)
      reads[name] = (...rest: unknown[]): Promise<never> =>
        code().then((file) => file[name](source(), ...(rest as [never, never])) as never)
    return {
      ...reads,
      on: (type, listener, options) =>
        options?.from
          ? begin((file, signal) => file.listen(source(), type, listener, options, signal))
          : listen(type, listener, options),
      state(options) {
        const changes = createListenerSet<[StateCurrent<unknown>]>()
        const reloads = createListenerSet<[]>()
        const state: StateCell = {
          current: { status: 'loading', value: undefined, error: null },
          onChange: changes.on,
          reload: reloads.emit,
          close: begin((file, signal) =>
            file.state(source(), options, state, changes.emit, reloads.on, signal),
          ),
        }
        return state
      },
    }
  }
}
