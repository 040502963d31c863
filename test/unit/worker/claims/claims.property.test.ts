import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ClaimMode } from '../../../../src/claim-options.ts'
import { type ClaimHub, createClaimWorld, type Run } from '../../harness/claim-pages.ts'

const RUNS = Number(process.env.CLAIM_RUNS ?? 40)
const SEED = process.env.CLAIM_SEED

const KINDS = [
  'publish',
  'publish',
  'resolve',
  'resolve',
  'resolve',
  'reject',
  'pause',
  'turns',
  'turns',
  'open',
  'view',
  'kill page',
  'kill hub',
  'kill both',
  'move',
  'hub',
  'restart',
  'cut',
] as const
type Kind = (typeof KINDS)[number]

const PAUSES = [10, 60, 300, 800, 1_200]
const MOST_PAGES = 6
const MOST_HUBS = 3

interface Step {
  kind: Kind
  pick: number
}

const simulate = async (mode: ClaimMode, steps: Step[], seed: number) => {
  const world = createClaimWorld(seed)
  const { server, pages } = world
  const ran = new Map<number, Run[]>()
  /** Events over which a page has died, or whose handler has rejected. */
  const excused = new Set<number>()
  const done = new Set<number>()
  /** Pages that died while they ran nothing: one of them may have been about to call its handler. */
  let idleDeaths = 0
  const faults: string[] = []
  const say = () => JSON.stringify([mode, steps])
  world.onRun = (run) => {
    ran.set(run.number, [...(ran.get(run.number) ?? []), run])
    if (world.runs.length > 1) faults.push(`two at a time: ${world.runs.map(({ number }) => number)}`)
    if (done.has(run.number) && mode === 'at-most-once') faults.push(`twice: ${run.number}`)
  }
  let hubs: ClaimHub[] = [world.spawn()]
  const living = () => pages.filter((page) => !page.isDead())
  const hubFor = (pick: number): ClaimHub => {
    hubs = hubs.filter((hub) => !hub.isDead())
    if (hubs.length === 0) hubs.push(world.spawn())
    return hubs[pick % hubs.length]!
  }
  const open = (pick: number) => {
    const page = world.open(hubFor(pick), pick % 2 === 0)
    page.claim({ mode, missed: 'handle', attempts: 1_000, timeout: 1_000_000 })
  }
  const killPage = (pick: number) => {
    const page = living()[pick % Math.max(1, living().length)]
    if (page === undefined) return
    const over = world.runs.filter((run) => run.page === page.index)
    for (const run of over) excused.add(run.number)
    if (over.length === 0) idleDeaths++
    page.kill()
    return page
  }
  const killHub = (hub: ClaimHub | undefined, pick: number) => {
    hub?.kill()
    for (const page of living()) if (page.hub().isDead()) page.move(hubFor(pick))
  }
  const settle = (how: 'resolve' | 'reject') => {
    const run = world.runs[0]
    if (run === undefined) return
    if (how === 'resolve') done.add(run.number)
    else excused.add(run.number)
    run[how]()
  }
  const step = async ({ kind, pick }: Step) => {
    switch (kind) {
      case 'publish':
        for (let left = 1 + (pick % 3); left > 0; left--) server.publish(true)
        return world.advance(1, pick)
      case 'resolve':
      case 'reject':
        settle(kind)
        return world.advance(1, 2)
      case 'pause':
        return world.advance(PAUSES[pick % PAUSES.length]!)
      case 'turns':
        return world.advance(pick, pick)
      case 'open':
        if (living().length < MOST_PAGES) open(pick)
        return world.advance(5, pick)
      case 'view':
        living()[pick % Math.max(1, living().length)]?.setVisible(pick % 3 > 0)
        return world.advance(1, 2)
      case 'kill page':
        killPage(pick)
        return
      case 'kill hub':
        return killHub(hubFor(pick), pick + 1)
      case 'kill both':
        return killHub(killPage(pick)?.hub(), pick)
      case 'move':
        living()[pick % Math.max(1, living().length)]?.move(hubFor(pick))
        return
      case 'hub':
        if (hubs.filter((hub) => !hub.isDead()).length < MOST_HUBS) hubs.push(world.spawn())
        return
      case 'restart':
        for (const page of living()) killPage(living().indexOf(page))
        for (const hub of hubs) hub.kill()
        return open(pick)
      case 'cut':
        return server.cut()
    }
  }
  try {
    open(0)
    // The account is committed: what comes from here on is owed.
    await world.rest(1_500)
    for (const each of steps) await step(each)
    if (living().length === 0) open(1)
    for (let left = 300; left > 0 && !(left < 250 && world.runs.length === 0 && isOver()); left--) {
      await world.advance(200)
      settle('resolve')
    }
    function isOver() {
      return server.published.every(
        ({ number }) => done.has(number) || (mode === 'at-most-once' && excused.has(number)),
      )
    }
    expect(faults, say()).toEqual([])
    const lost = server.published.map(({ number }) => number).filter((number) => !done.has(number))
    if (mode === 'at-least-once') expect(lost, say()).toEqual([])
    else expect(lost.filter((number) => !excused.has(number)).length, say()).toBeLessThanOrEqual(idleDeaths)
    if (mode === 'at-most-once')
      for (const [number, all] of ran) expect(all.length, `runs of ${number}: ${say()}`).toBe(1)
  } finally {
    world.close()
  }
}

const steps = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), pick: fc.nat({ max: 11 }) }), {
  minLength: 5,
  maxLength: 40,
})

for (const mode of ['at-most-once', 'at-least-once'] as const)
  it(
    `C1, ${mode === 'at-most-once' ? 'C2' : 'C3'}, C4 ${mode}, whatever dies at whatever moment`,
    { timeout: 600_000 },
    () =>
      fc.assert(
        fc.asyncProperty(steps, fc.integer({ min: 1, max: 1_000_000 }), (given, seed) =>
          simulate(mode, given, seed),
        ),
        {
          numRuns: RUNS,
          ...(SEED === undefined ? {} : { seed: Number(SEED) }),
          endOnFailure: process.env.CLAIM_SHRINK === undefined,
        },
      ),
  )
