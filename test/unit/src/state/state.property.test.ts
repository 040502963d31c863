import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Snapshot } from '../../../../src/index.ts'
import { breathe, createModel, type Load } from './model.ts'

/** `STATE_RUNS=1000000` for a long look. */
const RUNS = Number(process.env.STATE_RUNS ?? 300)
/** How often each step comes: what moves things comes more often than what breaks them. */
const WEIGHTS = {
  handle: 10,
  receive: 4,
  publish: 3,
  send: 3,
  answer: 3,
  commit: 1,
  open: 1,
  close: 0.5,
  reset: 0.5,
  die: 0.5,
}

interface Step {
  step: keyof typeof WEIGHTS
  which: number
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    step: fc.oneof(
      ...Object.entries(WEIGHTS).map(([step, weight]) => ({
        arbitrary: fc.constant(step as Step['step']),
        weight: weight * 2,
      })),
    ),
    which: fc.nat(5),
  }),
  { minLength: 30, maxLength: 120, size: 'max' },
)
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** Runs the steps, then lets everything come to rest. @param isExact whether each load says what it contains */
const simulate = async (all: Step[], isExact: boolean) => {
  const model = createModel()
  const answers: (() => void)[] = []
  const load: Load = () =>
    new Promise((resolve) => {
      answers.push(() => {
        const value = [...model.published]
        resolve(isExact ? new Snapshot(value, String(value.length)) : value)
      })
    })
  const reduce = (value: number[], number: number) =>
    !isExact && value.includes(number) ? value : [...value, number]
  const everSeen = new Set([model.open(load, reduce)])
  const pick = <T>(from: Iterable<T>, which: number): T | undefined => {
    const list = [...from]
    return list[which % list.length]
  }

  for (const { step, which } of all) {
    const tab = pick(model.tabs, which)
    if (step === 'open') {
      if (model.tabs.size < 4) everSeen.add(model.open(load, reduce))
    } else if (step === 'answer') answers.splice(which % (answers.length || 1), 1)[0]?.()
    else if (step === 'close') tab?.stop()
    else if (step === 'send' || step === 'handle') tab && model[step](tab)
    else model[step]()
    await breathe()
  }
  for (let rounds = 0; rounds < 60; rounds++) {
    for (const answer of answers.splice(0)) answer()
    model.receive()
    for (const tab of model.tabs) {
      model.send(tab)
      for (let left = tab.port.length; left > 0; left--) {
        model.handle(tab)
        await breathe()
      }
    }
    await vi.advanceTimersByTimeAsync(rounds > 50 ? 60_000 : 0)
    await breathe()
  }
  return { model, everSeen }
}

describe('ST4 state() under random interleavings of events, loads, resets, deaths and late tabs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('has every event once, of a load that says what it contains, and shows nothing older over something newer', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { model, everSeen } = await simulate(all, true)
        for (const { cell } of model.tabs)
          expect(cell.current).toEqual({ status: 'live', value: model.published, error: null })
        for (const { told } of everSeen) {
          const sizes = told.flatMap(({ value }) => (Array.isArray(value) ? [value.length] : []))
          expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
          for (const { value } of told) if (Array.isArray(value)) expect(value).toEqual(upTo(value.length))
        }
      }),
      { numRuns: RUNS },
    )
  })

  it('misses none, of a load that does not, with reducers that bear an event twice', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { model } = await simulate(all, false)
        for (const { cell } of model.tabs)
          expect(cell.current).toEqual({ status: 'live', value: model.published, error: null })
      }),
      { numRuns: RUNS },
    )
  })
})
