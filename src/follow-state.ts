import type { StateCurrent, StateOptions } from './state-options.ts'
import type { EventMap, Heard, Off } from './stream.ts'

/** What `useStreamState` shows while there is no stream: the load has not begun. */
export const LOADING: StateCurrent<never> = { status: 'loading', value: undefined, error: null }

/** What `useStreamState` of each framework shows, until the end: then it is `LOADING` again. */
export const followState = (
  heard: Heard<EventMap>,
  options: StateOptions<EventMap, unknown>,
  set: (current: StateCurrent<unknown>) => void,
): Off => {
  const state = heard.state(options)
  set(state.current)
  const off = state.onChange(set)
  return () => {
    off()
    state.close()
    set(LOADING)
  }
}
