import { eventually, expect, expectExactlyOnce, range, test } from './fixtures.ts'

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
