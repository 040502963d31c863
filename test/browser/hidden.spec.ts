import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'
import type { Tab } from './tab.ts'
import { setVisible } from './visibility.ts'

/** So long that nothing of it ends within a test: what arrives has not waited for its time. */
const NEVER = 3_600_000

for (const host of ['shared-worker', 'worker'] as const) {
  test(`H1 a hidden tab is held back, hears an urgent event at once, and all in view (${host})`, async ({
    backend,
    open,
  }) => {
    const connect = { hidden: { every: NEVER } }
    const hidden = await open({ host, connect })
    const witness = await open({ host, connect })
    for (const tab of [hidden, witness]) await tab.until('open')
    const session = async () => (await hidden.inspect()).sessions.find(({ visible }) => !visible)
    await setVisible(hidden.page, false)
    await eventually(session, { message: 'its hub knows' }).toBeDefined()

    await backend.publish()
    await hidden.received(1)
    await backend.publish()
    await backend.publish()
    await expectExactlyOnce([witness], backend.published())
    await eventually(session, { message: 'held back' }).toMatchObject({ state: 'held-back', lag: 2 })
    expect(await hidden.numbers()).toEqual([1])
    await setVisible(hidden.page, true)
    await expectExactlyOnce([hidden], backend.published())

    await setVisible(hidden.page, false)
    await hidden.page.evaluate(() => window.stream.on('alarm', () => {}, { urgent: true }))
    await eventually(session, { message: 'its hub knows what is urgent' }).toMatchObject({
      urgent: ['alarm'],
    })
    await backend.publish()
    await witness.received(4)
    await backend.debug('publish', { user: 'ada', events: [{ type: 'alarm', data: {} }] })
    await eventually(async () => (await hidden.record()).events.map(({ type }) => type).at(-1), {
      message: 'the alarm',
    }).toBe('alarm')
    await expectExactlyOnce([hidden, witness], backend.published())
    for (const tab of [hidden, witness]) expect((await tab.record()).resets).toEqual([])
  })
}

test('H1 a hidden tab is served once a second by default, whatever comes', async ({ backend, openTabs }) => {
  const [hidden, witness] = await openTabs(2)
  await setVisible(hidden!.page, false)
  const countBatches = ({ page }: Tab) =>
    page.evaluate(() => {
      const state = { batches: 0, isNew: true }
      Object.assign(window, { state })
      window.stream.on('*', () => {
        if (state.isNew) state.batches++
        state.isNew = false
        // The events of one batch come in one task, where they are few.
        setTimeout(() => {
          state.isNew = true
        })
      })
    })
  const batches = ({ page }: Tab) =>
    page.evaluate(() => (window as unknown as { state: { batches: number } }).state.batches)
  for (const tab of [hidden!, witness!]) await countBatches(tab)
  for (let count = 100; count > 0; count--) {
    await backend.publish()
    await witness!.received(backend.published().at(-1)!)
  }
  await expectExactlyOnce([hidden!, witness!], backend.published())
  expect(await batches(hidden!)).toBeLessThan((await batches(witness!)) / 2)
})

test('H2 a stream that nobody looks at is let go, and taken up without loss by the first tab in view', async ({
  backend,
  open,
}) => {
  test.setTimeout(120_000)
  const connect = { hidden: { release: 10_000 } }
  const shared = { user: 'ada', connect }
  // Each of these has a hub of its own: one leads, the other follows.
  const own = { user: 'bob', host: 'worker', connect } as const
  const [one, two] = [await open(shared), await open(shared)]
  const [three, four] = [await open(own), await open(own)]
  const all = [one, two, three, four]
  for (const tab of all) await tab.until('open')
  for (const user of ['ada', 'bob']) await backend.publish(5, user)
  await expectExactlyOnce([one, two], backend.published('ada'))
  await expectExactlyOnce([three, four], backend.published('bob'))

  for (const { page } of all) await setVisible(page, false)
  for (const user of ['ada', 'bob'])
    await eventually(() => backend.streams(user), { message: `no stream of ${user}`, timeout: 40_000 }).toBe(
      0,
    )
  for (const tab of all) await tab.until('idle')
  for (const user of ['ada', 'bob']) await backend.publish(20, user)
  const follower = (await three.status()).role === 'follower' ? three : four
  for (const { page } of [one, follower]) await setVisible(page, true)
  for (const tab of all) await tab.until('open')
  await expectExactlyOnce([one, two], backend.published('ada'))
  await expectExactlyOnce([three, four], backend.published('bob'))
  for (const tab of all) expect((await tab.record()).resets).toEqual([])
  for (const tab of all) expect((await tab.status()).resume).toBe('continued')
  for (const user of ['ada', 'bob']) expect(backend.peak(user)).toBe(1)
})
