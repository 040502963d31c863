import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type LeadershipEvent,
  type StateName,
  TRANSITIONS,
} from '../../../../worker/leadership/leadership-state.ts'

const states = Object.keys(TRANSITIONS) as StateName[]
const events = Object.keys(TRANSITIONS.out) as LeadershipEvent[]
const serving = states.filter((state) => !['out', 'listening', 'superseded'].includes(state))

const run = (sequence: LeadershipEvent[], from: StateName = 'out'): StateName =>
  sequence.reduce((state, event) => TRANSITIONS[state][event] ?? state, from)

describe('the table of what a hub is to its stream', () => {
  it('has an entry for every state and event, and names no unknown state', () => {
    expect(states).toHaveLength(9)
    for (const state of states) {
      expect(Object.keys(TRANSITIONS[state]).sort()).toEqual([...events].sort())
      for (const next of Object.values(TRANSITIONS[state])) if (next !== null) expect(states).toContain(next)
    }
  })

  it('leads from a state to itself only where the lock is asked for anew', () => {
    const again = states.flatMap((state) =>
      events.filter((event) => TRANSITIONS[state][event] === state).map((event) => `${state} ${event}`),
    )
    expect(again).toEqual(['queued lost', 'queued silence'])
  })

  it('reaches every state from out', () => {
    const reached = new Set<StateName>(['out'])
    for (const state of reached)
      for (const next of Object.values(TRANSITIONS[state])) if (next !== null) reached.add(next)
    expect([...reached].sort()).toEqual([...states].sort())
  })

  it('L1 makes a leader only of a hub that claims, and lets it claim only with a lock', () => {
    for (const state of states) {
      expect(Object.values(TRANSITIONS[state]).includes('leading')).toBe(state === 'claiming')
      // Those that wait for the lock, once it is granted, and those that kept it.
      expect(Object.values(TRANSITIONS[state]).includes('claiming')).toBe(
        state === 'queued' || state === 'yielded',
      )
    }
  })

  it('L3 ends a claim and a lead by a lost lock, a refused write and a higher term', () => {
    for (const state of ['claiming', 'leading'] as const) {
      expect(run(['lost'], state)).toBe('queued')
      expect(run(['fenced'], state)).toBe('queued')
      expect(run(['outranked'], state)).toBe('yielded')
    }
  })

  it('L5 asks for the lock only after it has begun to listen, and once a tab is there', () => {
    expect(events.filter((event) => TRANSITIONS.out[event] !== null)).toEqual(['expected', 'superseded'])
    expect(events.filter((event) => TRANSITIONS.listening[event] === 'queued')).toEqual(['attached'])
  })

  it('L4 lets the silence of a leader end every way of following', () => {
    for (const state of serving)
      expect(TRANSITIONS[state].silence === null).toBe(state === 'claiming' || state === 'leading')
  })

  it('L5 never asks for the lock while this hub keeps one: it would be granted at once', () => {
    const { lost, failed, ...others } = TRANSITIONS.yielded
    expect([lost, failed]).toEqual(['queued', 'retrying'])
    expect(Object.values(others)).not.toContain('queued')
  })

  it('A2 has a hub that abdicated ask for the lock only with a new tab, or after silence', () => {
    const asking = events.filter((event) => TRANSITIONS.abdicated[event] === 'queued')
    expect(asking).toEqual(['attached', 'silence'])
  })

  it('T4 makes superseded final, and reachable from every other state', () => {
    expect(Object.values(TRANSITIONS.superseded).every((next) => next === null)).toBe(true)
    for (const state of states) expect(run(['superseded'], state)).toBe('superseded')
  })

  it('lets the last tab’s going end whatever is under way', () => {
    for (const state of ['listening', ...serving] as const) expect(run(['left'], state)).toBe('out')
  })

  it('is not left by any sequence of events, and a way to lead always exists but from superseded', () => {
    const way: LeadershipEvent[] = ['left', 'expected', 'attached', 'granted', 'led']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (sequence) => {
        const state = run(sequence)
        expect(states).toContain(state)
        expect(sequence.includes('superseded')).toBe(state === 'superseded')
        if (state !== 'superseded') expect(run(way, state)).toBe('leading')
      }),
    )
  })
})
