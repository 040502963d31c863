import type { Happening } from '../shared/inspection.ts'
import type { Status } from '../shared/status.ts'

/** How things stand, by colour; never by colour alone. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle'

const STATES: Record<string, Tone> = {
  open: 'good',
  connecting: 'busy',
  waiting: 'warn',
  offline: 'warn',
  unauthorized: 'bad',
  failed: 'bad',
}

/** Of a state, or of whatever else ends up as `idle`. */
export const toneOfState = (state: string): Tone => STATES[state] ?? 'idle'

export const toneOf = ({ state, health }: Status): Tone =>
  state === 'open' && health === 'degraded' ? 'warn' : toneOfState(state)

export const wordsOf = ({ state, health }: Status): string =>
  state === 'open' && health === 'degraded' ? 'open, but silent' : state

export const toneOfHappening = ({ what, is }: Happening): Tone => {
  if (what === 'state') return toneOfState(is)
  if (what === 'error') return 'bad'
  if (what === 'reset' || is === 'degraded' || is === 'false' || is === 'reset') return 'warn'
  return is === 'leader' ? 'busy' : 'idle'
}
