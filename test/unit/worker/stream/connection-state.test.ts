import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ConnectionEvent,
  type ConnectionState,
  TRANSITIONS,
} from '../../../../worker/stream/connection-state.ts'

const states = Object.keys(TRANSITIONS) as ConnectionState[]
const events = Object.keys(TRANSITIONS.idle) as ConnectionEvent[]

const run = (sequence: ConnectionEvent[], from: ConnectionState = 'idle'): ConnectionState =>
  sequence.reduce((state, event) => TRANSITIONS[state][event] ?? state, from)

describe('the transition table', () => {
  it('has an entry for every state and event, and names no unknown state', () => {
    expect(states).toHaveLength(9)
    for (const state of states) {
      expect(Object.keys(TRANSITIONS[state]).sort()).toEqual([...events].sort())
      for (const next of Object.values(TRANSITIONS[state])) if (next !== null) expect(states).toContain(next)
    }
  })

  it('leads from a state to itself in one place: a new attempt takes the place of the one under way', () => {
    const loops = states.flatMap((state) =>
      events
        .filter((event) => TRANSITIONS[state][event] === state && state !== 'disposed')
        .map((event) => [state, event]),
    )
    expect(loops).toEqual([['connecting', 'retry']])
  })

  it('reaches every state from idle', () => {
    const reached = new Set<ConnectionState>(['idle'])
    for (const state of reached)
      for (const next of Object.values(TRANSITIONS[state])) if (next !== null) reached.add(next)
    expect([...reached].sort()).toEqual([...states].sort())
  })

  it('makes disposed final, and reachable from every other state', () => {
    expect(Object.values(TRANSITIONS.disposed).every((next) => next === null)).toBe(true)
    for (const state of states) expect(run(['disposed'], state)).toBe('disposed')
  })

  it('S6 leaves closed when asked, and forgets it without a tab', () => {
    const leaving = events.filter((event) => TRANSITIONS.closed[event] !== null)
    expect(leaving.sort()).toEqual(['disposed', 'hold', 'retry'])
    expect([run(['retry'], 'closed'), run(['hold', 'release'], 'closed')]).toEqual([
      'connecting',
      'connecting',
    ])
  })

  it('S1 opens only out of connecting, so that no second stream starts beside the first', () => {
    for (const state of states) expect(TRANSITIONS[state].opened === 'open').toBe(state === 'connecting')
  })

  it('lets a hold end whatever is going on, except the end itself', () => {
    for (const state of states) expect(run(['hold'], state)).toBe(state === 'disposed' ? 'disposed' : 'idle')
  })

  it('S5 keeps a stream that stands when the browser says offline', () => {
    expect(TRANSITIONS.open.offline).toBeNull()
    expect(TRANSITIONS.waiting.offline).toBe('offline')
    expect(TRANSITIONS.offline.online).toBe('connecting')
    expect(TRANSITIONS.waiting.online).toBe('connecting')
  })

  it('S6 leaves unauthorized and failed only when asked', () => {
    for (const state of ['unauthorized', 'failed'] as const) {
      const leaving = events.filter((event) => TRANSITIONS[state][event] !== null)
      expect(leaving.sort()).toEqual(['disposed', 'ended', 'hold', 'retry'])
    }
  })

  it('is not left by any sequence of events, and a way back to open always exists but from disposed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (sequence) => {
        const state = run(sequence)
        expect(states).toContain(state)
        expect(sequence.includes('disposed')).toBe(state === 'disposed')
        if (state !== 'disposed') expect(run(['hold', 'release', 'opened'], state)).toBe('open')
      }),
    )
  })
})
