import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ClaimWorld, createClaimWorld, type Run } from '../../harness/claim-pages.ts'

const MOST = { mode: 'at-most-once' } as const
const LEAST = { mode: 'at-least-once' } as const

describe('claims of several tabs', () => {
  let world: ClaimWorld
  let began: Run[]

  const start = (...given: Parameters<typeof createClaimWorld>) => {
    world = createClaimWorld(...given)
    began = []
    world.onRun = (run) => void began.push(run)
  }
  beforeEach(() => start())
  afterEach(() => world.close())

  const publish = async (count = 1) => {
    for (let left = count; left > 0; left--) world.server.publish(true)
    await world.advance(50)
  }
  /** Until the condition holds, in the world's time. */
  const until = async (condition: () => boolean, most = 5_000) => {
    for (let waited = 0; !condition(); waited += 50) {
      if (waited > most) throw new Error(`Did not come true: ${condition}`)
      await world.advance(50)
    }
  }
  const handled = () => began.map(({ page, number }) => [page, number])

  it('C1 one tab of all handles an event, one event after the other', async () => {
    const hub = world.spawn()
    const pages = [0, 1, 2, 3].map(() => world.open(hub))
    for (const page of pages) page.claim(MOST)
    await world.rest()
    await publish(3)
    await until(() => began.length > 0)
    await world.advance(500)
    expect(began.map(({ number }) => number)).toEqual([1])
    for (const number of [1, 2, 3]) {
      await until(() => world.runs.length > 0)
      expect(world.runs.map((run) => run.number)).toEqual([number])
      world.runs[0]!.resolve()
    }
    await world.advance(500)
    expect(began.map(({ number }) => number)).toEqual([1, 2, 3])
  })

  it('C5 the tab in view has the event, else the one that was last in view, and no silent one', async () => {
    const hub = world.spawn()
    const [one, two, three] = [world.open(hub, false), world.open(hub, true), world.open(hub, false)]
    for (const page of [one, two, three]) page.claim(MOST)
    await world.rest()
    await publish()
    await until(() => world.runs.length > 0)
    world.runs[0]!.resolve()
    three.setVisible(true)
    await world.advance(20)
    three.setVisible(false)
    await world.advance(20)
    two.setVisible(false)
    await world.advance(20)
    one.setVisible(true)
    await world.advance(20)
    await publish()
    await until(() => world.runs.length > 0)
    world.runs[0]!.resolve()
    one.setVisible(false)
    await world.advance(20)
    one.kill()
    await world.advance(20)
    await publish()
    await until(() => world.runs.length > 0)
    expect(handled()).toEqual([
      [1, 1],
      [0, 2],
      // It went out of view after the other one.
      [1, 3],
    ])
  })

  it('C3 a tab that dies over an event hands it on within T1, and a rejection does', async () => {
    const hub = world.spawn()
    const pages = [0, 1, 2].map(() => world.open(hub))
    for (const page of pages) page.claim(LEAST)
    await world.rest()
    await publish()
    await until(() => world.runs.length > 0)
    pages[began[0]!.page]!.kill()
    await until(() => world.runs.length > 0, 1_000)
    world.runs[0]!.reject()
    await until(() => world.runs.length > 0, 1_000)
    expect(began.map(({ number, attempt }) => [number, attempt])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ])
    expect(began[1]!.page).not.toBe(began[0]!.page)
    world.runs[0]!.resolve()
    await publish()
    await until(() => began.length === 4)
    expect(began[3]).toMatchObject({ number: 2, attempt: 1 })
  })

  it('C2 at most once: the event of a tab that dies over it is not handled again', async () => {
    const hub = world.spawn()
    const pages = [0, 1].map(() => world.open(hub))
    for (const page of pages) page.claim(MOST)
    await world.rest()
    await publish(2)
    await until(() => world.runs.length > 0)
    pages[began[0]!.page]!.kill()
    await until(() => began.length > 1)
    expect(began.map(({ number }) => number)).toEqual([1, 2])
  })

  it('C6 after its runs an event is given up with an error{claim}, and the next one is handled', async () => {
    const hub = world.spawn()
    const page = world.open(hub)
    page.claim({ ...LEAST, attempts: 3 })
    await world.rest()
    await publish(2)
    for (const attempt of [1, 2, 3]) {
      await until(() => world.runs.length > 0, 10_000)
      expect(began.at(-1)).toMatchObject({ number: 1, attempt })
      world.runs[0]!.reject()
    }
    await until(() => world.runs.length > 0)
    expect(began.at(-1)).toMatchObject({ number: 2, attempt: 1 })
    expect(page.errors).toMatchObject([{ kind: 'claim', cause: 'Error: rejected' }])
  })

  it('C3 a run that is out of time is aborted, and the next tab has the event', async () => {
    const hub = world.spawn()
    for (const page of [world.open(hub), world.open(hub)]) page.claim({ ...LEAST, timeout: 3_000 })
    await world.rest()
    await publish()
    await until(() => began.length > 0)
    const [first] = began
    await until(() => began.length > 1, 4_000)
    expect(first!.signal.aborted).toBe(true)
    expect(first!.signal.reason).toMatchObject({ name: 'TimeoutError' })
    expect(began[1]).toMatchObject({ number: 1, attempt: 2, page: 1 - first!.page })
  })

  it('C4 the account outlives the browser: what was settled is not handled again, the rest is', async () => {
    const hub = world.spawn()
    const page = world.open(hub)
    page.claim(LEAST)
    page.claim({ ...MOST, name: 'bell', missed: 'handle' })
    await world.rest()
    await publish()
    await until(() => world.runs.length === 2)
    world.runs[0]!.resolve()
    await world.advance(100)
    await publish(2)
    await world.advance(500)
    const interrupted = world.runs.map(({ number }) => number)
    page.kill()
    hub.kill()
    await world.advance(1_000)
    began.length = 0
    const again = world.open(world.spawn())
    again.claim(LEAST)
    again.claim({ ...MOST, name: 'bell', missed: 'handle' })
    for (let left = 40; left > 0; left--) {
      await world.advance(100)
      for (const run of [...world.runs]) run.resolve()
    }
    // Of the two claims one was settled for the first event; the other died over it.
    expect(interrupted.length).toBe(2)
    const numbers = began.map(({ number }) => number).sort()
    expect(numbers.filter((number) => number === 3)).toEqual([3, 3])
    expect(numbers.length).toBeGreaterThanOrEqual(4)
  })

  it("C4 missed: 'skip' passes over what came while no tab had the claim, and 'handle' does not", async () => {
    const hub = world.spawn()
    const page = world.open(hub)
    world.open(hub)
    page.claim({ ...LEAST, name: 'all' })
    page.claim({ ...MOST, name: 'bell' })
    await world.rest()
    page.kill()
    await world.advance(1_500)
    await publish(2)
    const later = world.open(hub)
    later.claim({ ...MOST, name: 'bell' })
    await world.advance(2_000)
    expect(began).toEqual([])
    later.claim({ ...LEAST, name: 'all' })
    await publish()
    await until(() => world.runs.length === 2)
    expect(world.runs.map(({ number }) => number).sort()).toEqual([1, 3])
  })

  it('C1 a hub that dies hands nothing on that still runs: its page tells the next hub', async () => {
    const hub = world.spawn()
    const pages = [0, 1].map(() => world.open(hub))
    for (const page of pages) page.claim(MOST)
    await world.rest()
    await publish(2)
    await until(() => world.runs.length > 0)
    hub.kill()
    const next = world.spawn()
    // The page that does not run anything comes first.
    pages[1 - began[0]!.page]!.move(next)
    await world.advance(700)
    pages[began[0]!.page]!.move(next)
    await world.advance(3_000)
    expect(began.length).toBe(1)
    world.runs[0]!.resolve()
    await until(() => began.length > 1)
    expect(began.map(({ number }) => number)).toEqual([1, 2])
  })

  it('C1 tabs of hubs that follow take part, and one that dies is replaced', async () => {
    const hubs = [world.spawn(), world.spawn(), world.spawn()]
    const pages = hubs.map((hub, index) => world.open(hub, index === 2))
    await world.rest(1_500)
    for (const page of pages) page.claim(LEAST)
    await world.rest()
    await publish(2)
    await until(() => world.runs.length > 0)
    expect(handled()).toEqual([[2, 1]])
    // A dedicated worker dies with its page.
    pages[2]!.kill()
    hubs[2]!.kill()
    await until(() => world.runs.length > 0, 1_000)
    expect(began[1]).toMatchObject({ number: 1, attempt: 2 })
    world.runs[0]!.resolve()
    await until(() => world.runs.length > 0)
    expect(began[2]).toMatchObject({ number: 2, attempt: 1 })
  })

  it('C7 without IndexedDB a hub that lives on knows what was claimed', async () => {
    world.breakStorage(true)
    const hubs = [world.spawn(), world.spawn()]
    const pages = hubs.map((hub) => world.open(hub))
    await world.rest(2_500)
    for (const page of pages) page.claim(MOST)
    await world.rest(1_000)
    await publish(2)
    await until(() => world.runs.length > 0)
    expect(world.runs[0]).toMatchObject({ number: 1 })
    pages[0]!.kill()
    hubs[0]!.kill()
    for (let left = 60; left > 0; left--) {
      await world.advance(100)
      for (const run of [...world.runs]) run.resolve()
    }
    expect(began.map(({ number }) => number)).toEqual([1, 2])
  })

  it('C6 what leaves the log unhandled is told as error{claim}', async () => {
    world.close()
    start(1, { log: { events: 20, bytes: 1_000_000, age: 1_000_000, newest: 200 } })
    const hub = world.spawn()
    const page = world.open(hub)
    page.claim({ ...LEAST, timeout: 100_000 })
    await world.rest()
    await publish()
    await until(() => world.runs.length > 0)
    for (let left = 10; left > 0; left--) {
      await publish(10)
      await world.advance(1_100)
    }
    world.runs[0]!.resolve()
    await until(() => world.runs.length > 0)
    expect(page.errors).toMatchObject([{ kind: 'claim', message: expect.stringMatching(/left the log/) }])
    expect(world.runs[0]!.number).toBeGreaterThan(50)
  })

  it('C1 a claim that is given up has no further event, and its last run counts', async () => {
    const hub = world.spawn()
    const [one, two] = [world.open(hub), world.open(hub, false)]
    const off = one.claim(LEAST)
    two.claim(LEAST)
    await world.rest()
    await publish(2)
    await until(() => world.runs.length > 0)
    expect(handled()).toEqual([[0, 1]])
    off()
    expect(world.runs[0]!.signal.aborted).toBe(true)
    await world.advance(500)
    world.runs[0]!.resolve()
    await until(() => began.length > 1)
    expect(handled()).toEqual([
      [0, 1],
      [1, 2],
    ])
    expect(world.base.locks.held().filter((name) => name.startsWith('tabstream:claims:'))).toHaveLength(1)
  })

  it('H3 the stream stands for as long as a hidden tab has a claim, of this hub or of another', async () => {
    world.close()
    start(1, { hidden: { every: 1_000, release: 10_000 } })
    const hubs = [world.spawn(), world.spawn()]
    const pages = hubs.map((hub) => world.open(hub, false))
    await world.rest(1_500)
    const off = pages[1]!.claim(LEAST)
    await world.advance(30_000)
    expect(world.server.open()).toHaveLength(1)
    off()
    await world.advance(30_000)
    expect(world.server.open()).toHaveLength(0)
    pages[0]!.claim(MOST)
    await world.advance(1_000)
    expect(world.server.open()).toHaveLength(1)
  })

  it('A4 a sign-out aborts what runs, and forgets the accounts', async () => {
    const hub = world.spawn()
    const [page, other] = [world.open(hub), world.open(hub, false)]
    page.claim(LEAST)
    await world.rest()
    await publish()
    await until(() => world.runs.length > 0)
    void other.signOut()
    await world.rest(5_000)
    expect(began[0]!.signal.aborted).toBe(true)
    const next = world.open(world.spawn())
    await world.rest(1_500)
    expect((await next.inspect()).claims).toEqual([])
  })

  it('I1 inspect() tells who claims what, and where each claim stands', async () => {
    const hub = world.spawn()
    const page = world.open(hub)
    page.claim({ ...LEAST, name: 'work' })
    await world.rest()
    await publish(2)
    await until(() => world.runs.length > 0)
    const { claims, sessions } = await page.inspect()
    expect(claims).toMatchObject([
      { topic: null, type: 'message', name: 'work', after: 0, tabs: [sessions[0]!.tab] },
    ])
    expect(claims[0]!.run).toMatchObject({ seq: 1, attempt: 1 })
  })
})
