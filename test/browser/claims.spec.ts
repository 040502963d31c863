import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClaimOptions } from 'tabstream'
import { eventually, expect, expectExactlyOnce, range, test } from './fixtures.ts'
import { openTab, type Tab } from './tab.ts'
import { setVisible } from './visibility.ts'

const BELL: ClaimOptions = { mode: 'at-most-once' }
const LEAST: ClaimOptions = { mode: 'at-least-once' }

const claim = (tab: Tab, options: ClaimOptions, how: 'resolve' | 'reject' | 'wait' = 'resolve') =>
  tab.page.evaluate(([given, what]) => window.claimIt(given, what), [options, how] as const)
const runsOf = (tab: Tab) =>
  tab.page.evaluate(() => window.runs.map(({ n, attempt, isAborted }) => ({ n, attempt, isAborted })))
const numbersOf = async (tab: Tab) => (await runsOf(tab)).map(({ n }) => n)
const numbersOfAll = async (tabs: Tab[]) =>
  (await Promise.all(tabs.map(numbersOf))).flat().sort((a, b) => a - b)
/** The hub knows of so many tabs with a claim. */
const known = (tab: Tab, count: number) =>
  eventually(async () => (await tab.inspect()).claims[0]?.tabs.length, {
    message: 'the hub knows the claims',
  }).toBe(count)

test('C1 C5 of four tabs one rings: the one in view, also where nobody looks and another was seen last', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(4)
  for (const tab of tabs) await claim(tab, BELL)
  await known(tabs[0]!, 4)
  for (const tab of [0, 1, 3]) await setVisible(tabs[tab]!.page, false)
  await backend.publish()
  await eventually(() => numbersOf(tabs[2]!)).toEqual([1])
  await setVisible(tabs[1]!.page, true)
  await setVisible(tabs[2]!.page, false)
  await backend.publish()
  await eventually(() => numbersOf(tabs[1]!)).toEqual([2])
  await setVisible(tabs[1]!.page, false)
  await backend.publish(3)
  await eventually(() => numbersOf(tabs[1]!)).toEqual([2, 3, 4, 5])
  for (const tab of tabs) await setVisible(tab.page, true)
  await expectExactlyOnce(tabs, range(1, 5))
  expect(await numbersOfAll(tabs)).toEqual(range(1, 5))
})

for (const host of ['shared-worker', 'worker'] as const)
  test(`C2 C3 a tab that dies over an event: at least once the next tab has it, at most once none (${host})`, async ({
    backend,
    openTabs,
  }) => {
    const tabs = await openTabs(4, { host })
    for (const tab of tabs) {
      await claim(tab, { ...LEAST, name: 'work' }, 'wait')
      await claim(tab, { ...BELL, name: 'bell' }, 'wait')
    }
    // Each hub of its own has one tab; the leader knows all of them once each has spoken.
    await eventually(async () => (await tabs[0]!.inspect()).claims.length).toBe(2)
    await backend.publish(2)
    await eventually(() => numbersOfAll(tabs)).toEqual([1, 1])
    const counts = await Promise.all(tabs.map(async (tab) => (await runsOf(tab)).length))
    const victims = tabs.filter((_, index) => counts[index]! > 0)
    const others = tabs.filter((_, index) => counts[index] === 0)
    for (const victim of victims) await victim.crash()
    // The bell's first event died with its tab; the work's is done by another.
    const all = async () =>
      (await Promise.all(others.map(runsOf))).flat().map(({ n, attempt }) => [n, attempt])
    await eventually(async () => (await all()).sort(), { timeout: 15_000 }).toEqual([
      [1, 2],
      [2, 1],
    ])
    for (const tab of others) await tab.page.evaluate(() => window.endRuns())
    await eventually(async () => (await all()).sort(), { timeout: 15_000 }).toEqual([
      [1, 2],
      [2, 1],
      [2, 1],
    ])
    expect((await others[0]!.inspect()).claims.map(({ name }) => name).sort()).toEqual(['bell', 'work'])
  })

test('C1 C3 a worker that dies hands nothing on that runs, and loses nothing', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(3)
  for (const tab of tabs) await claim(tab, LEAST, 'wait')
  await known(tabs[0]!, 3)
  await backend.publish(2)
  await eventually(() => numbersOfAll(tabs)).toEqual([1])
  const before = (await tabs[0]!.inspect()).incarnation
  await tabs[0]!.harm('close')
  await eventually(async () => (await tabs[0]!.inspect()).incarnation).not.toBe(before)
  await known(tabs[0]!, 3)
  await backend.publish()
  for (const tab of tabs) await tab.received(3)
  expect(await numbersOfAll(tabs)).toEqual([1])
  for (const done of [1, 2, 3]) {
    for (const tab of tabs) await tab.page.evaluate(() => window.endRuns())
    await eventually(() => numbersOfAll(tabs)).toEqual(range(1, Math.min(done + 1, 3)))
  }
})

test('C6 a handler that rejects is called again, and given up with an error{claim}', async ({
  backend,
  open,
}) => {
  const tab = await open()
  await tab.until('open')
  await claim(tab, { ...LEAST, attempts: 2 }, 'reject')
  await known(tab, 1)
  await backend.publish()
  await eventually(() => runsOf(tab)).toMatchObject([
    { n: 1, attempt: 1 },
    { n: 1, attempt: 2 },
  ])
  await eventually(async () => (await tab.record()).errors.map(({ kind }) => kind)).toEqual(['claim'])
})

test('C3 a run out of time is aborted, and another tab has the event', async ({ backend, openTabs }) => {
  const tabs = await openTabs(2)
  for (const tab of tabs) await claim(tab, { ...LEAST, timeout: 500 }, 'wait')
  await known(tabs[0]!, 2)
  await backend.publish()
  await eventually(async () => (await Promise.all(tabs.map(runsOf))).every((runs) => runs.length > 0)).toBe(
    true,
  )
  const runs = (await Promise.all(tabs.map(runsOf))).flat().sort((a, b) => a.attempt - b.attempt)
  expect(runs[0]).toEqual({ n: 1, attempt: 1, isAborted: true })
  expect(runs[1]).toMatchObject({ n: 1, attempt: 2 })
})

test('C4 after a restart of the browser at least once goes on, and what was handled is not handled again', async ({
  backend,
  playwright,
  browserName,
  launchOptions,
  channel,
}) => {
  const profile = await mkdtemp(join(tmpdir(), 'tabstream-profile-'))
  const launch = () =>
    playwright[browserName].launchPersistentContext(profile, {
      ...launchOptions,
      ...(channel ? { channel } : {}),
    })
  const before = await launch()
  const first = await openTab(before, backend.url)
  await first.until('open')
  await claim(first, { ...LEAST, name: 'done' })
  await claim(first, { ...LEAST, name: 'owed' }, 'wait')
  await eventually(async () => (await first.inspect()).claims.length).toBe(2)
  await backend.publish(2)
  await eventually(() => numbersOf(first)).toEqual(expect.arrayContaining([1, 1, 2]))
  await first.committed()
  await eventually(async () => {
    const { claims, log } = await first.inspect()
    return claims.some(({ name, after }) => name === 'done' && after === log.head)
  }).toBe(true)
  await before.close()
  await backend.publish()

  const after = await launch()
  const second = await openTab(after, backend.url)
  await claim(second, { ...LEAST, name: 'done' })
  await claim(second, { ...LEAST, name: 'owed' })
  await eventually(async () => (await numbersOf(second)).sort()).toEqual([1, 2, 3, 3])
  expect((await runsOf(second)).filter(({ attempt }) => attempt > 1)).toMatchObject([{ n: 1, attempt: 2 }])
  await after.close()
  await rm(profile, { recursive: true, force: true, maxRetries: 5 })
})

test('H3 a hidden tab with a claim keeps the stream, and has its events at once', async ({
  backend,
  open,
}) => {
  const tab = await open({ connect: { hidden: { every: 3_600_000, release: 10_000 } } })
  await tab.until('open')
  await claim(tab, LEAST)
  await known(tab, 1)
  await setVisible(tab.page, false)
  await backend.publish(3)
  await eventually(() => numbersOf(tab)).toEqual([1, 2, 3])
})

test('A4 nothing is claimed after a sign-out, and the account is gone with the log', async ({
  backend,
  open,
}) => {
  const tab = await open()
  await tab.until('open')
  await claim(tab, LEAST, 'wait')
  await known(tab, 1)
  await backend.publish()
  await eventually(() => runsOf(tab)).toEqual([{ n: 1, attempt: 1, isAborted: false }])
  await tab.page.evaluate(() => window.stream.signOut())
  expect(await runsOf(tab)).toEqual([{ n: 1, attempt: 1, isAborted: true }])
  const next = await open()
  await next.until('open')
  expect((await next.inspect()).claims).toEqual([])
})
