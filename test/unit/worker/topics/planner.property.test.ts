import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Mutation, runModel, type Step, TOPICS } from '../../harness/topic-model.ts'

const topic = fc.constantFrom(...TOPICS)
const tab = fc.nat({ max: TOPICS.length - 1 })
const count = fc.nat({ max: 6 })
const of = <Do extends Step['do'], Rest extends object>(
  does: Do,
  rest: { [Key in keyof Rest]: fc.Arbitrary<Rest[Key]> },
) => fc.record({ do: fc.constant(does), ...rest }) as unknown as fc.Arbitrary<Step>

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: of('publish', { topic }) },
  { weight: 4, arbitrary: of('read', { count }) },
  { weight: 4, arbitrary: of('deliver', { tab, count }) },
  { weight: 3, arbitrary: of('join', { tab, topic }) },
  { weight: 2, arbitrary: of('leave', { tab, topic }) },
  { weight: 4, arbitrary: of('time', { ms: fc.constantFrom(0, 30, 300, 3_000, 31_000, 31_000, 95_000) }) },
  { weight: 2, arbitrary: of('attach', { tab }) },
  { weight: 2, arbitrary: of('commit', {}) },
  { weight: 1, arbitrary: of('cut', {}) },
  { weight: 1, arbitrary: of('crash', {}) },
  { weight: 1, arbitrary: of('revoke', { topic }) },
  { weight: 1, arbitrary: of('grant', { topic }) },
)
const steps = fc.array(step, { minLength: 40, maxLength: 160, size: 'max' })

const RUNS = Number(process.env.TOPIC_RUNS ?? 2_000)
const SEED = Number(process.env.TOPIC_SEED ?? 1)

const findCounterexample = (change: 'auto' | 'reopen', mutation: Mutation, numRuns: number, seed = SEED) =>
  fc.check(
    fc.property(steps, (given) => void runModel(change, given, mutation)),
    { numRuns, seed, endOnFailure: process.env.TOPIC_SHRINK === undefined },
  )

describe('TO2 joins, leaves, cuts, deaths of hubs and changes of rights, in any order', () => {
  it.each(['auto', 'reopen'] as const)(
    'a page that loads when a topic becomes live ends with all of it: %s',
    (change) => {
      const { failed, error, counterexample } = { error: null, ...findCounterexample(change, 'none', RUNS) }
      expect(failed, `${JSON.stringify(counterexample)}`).toBe(false)
      expect(error).toBeNull()
    },
    120_000,
  )

  // A test of the test: each of these rules was found by a counterexample.
  it.each<[Mutation, 'auto' | 'reopen', seed: number]>([
    ['told-before-commit', 'auto', 1],
    ['marker-without-id', 'auto', 1],
    ['joined-uncommitted', 'reopen', 2],
    ['attach-waits', 'auto', 1],
  ])(
    'without the rule, it would not: %s',
    (mutation, change, seed) => {
      expect(findCounterexample(change, mutation, 20_000, seed).failed).toBe(true)
    },
    120_000,
  )

  it('TO5 the requests are bounded by the changes, however often they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ tab, topic, isJoin: fc.boolean() }), { maxLength: 200, size: 'max' }),
        (changes) => {
          const given = changes.flatMap(({ tab, topic, isJoin }): Step[] => [
            { do: isJoin ? 'join' : 'leave', tab, topic },
            { do: 'time', ms: 1 },
            { do: 'read', count: 100 },
          ])
          // All within 0.2 s: one request for what came first, and none more within 0.25 s by R8, or 2 s without.
          const { opens, puts } = runModel('auto', given)
          expect(opens).toBeLessThanOrEqual(2)
          expect(puts).toBeLessThanOrEqual(1)
          expect(runModel('reopen', given).opens).toBeLessThanOrEqual(3)
        },
      ),
      { numRuns: 100 },
    )
  })
})
