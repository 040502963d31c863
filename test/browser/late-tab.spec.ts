import { eventually, expect, expectExactlyOnce, range, test } from './fixtures.ts'

test('D5 a late tab starts where it says', async ({ backend, openTabs, open }) => {
  const [early] = await openTabs(1)
  await backend.publish(10)
  await expectExactlyOnce([early!], range(1, 10))
  const { id } = (await early!.record()).events[5]!

  const late = {
    byDefault: await open(),
    now: await open({ connect: { from: 'now' } }),
    last: await open({ connect: { from: { last: 3 } } }),
    moreThanThereIs: await open({ connect: { from: { last: 1_000 } } }),
    after: await open({ connect: { from: { after: id } } }),
    start: await open({ connect: { from: 'start' } }),
  }
  for (const tab of Object.values(late)) await tab.until('open')
  await backend.publish()
  await expectExactlyOnce([late.byDefault, late.now], [11])
  await expectExactlyOnce([late.last], range(8, 11))
  await expectExactlyOnce([late.after], range(7, 11))
  await expectExactlyOnce([late.start, late.moreThanThereIs, early!], range(1, 11))
  for (const tab of Object.values(late)) expect((await tab.record()).resets).toEqual([])
  expect(backend.connections()).toMatchObject({ total: 1, opened: 1 })
})

test('D5 a late tab that names an event which the log does not hold is told so', async ({
  backend,
  openTabs,
  open,
}) => {
  const [early] = await openTabs(1)
  await backend.publish(3)
  await expectExactlyOnce([early!], range(1, 3))
  const late = await open({ connect: { from: { after: 'long-gone' } } })
  await eventually(async () => (await late.record()).resets).toEqual([{ reason: 'fell-behind' }])
  await backend.publish()
  await late.received(4)
  expect((await early!.record()).resets).toEqual([])
})
