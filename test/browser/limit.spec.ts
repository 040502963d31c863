import { expect, expectExactlyOnce, test } from './fixtures.ts'

test.use({ backendOptions: { streamsPerUser: 2, limitRetryAfter: 1 } })

test('R6 S6 a third browser of a user is told of the limit, waits, and comes in when a place is free', async ({
  backend,
  open,
  browser,
}) => {
  const profiles = [await browser.newContext(), await browser.newContext(), await browser.newContext()]
  const [first, second, third] = profiles
  const one = await open({}, first)
  await one.until('open')
  const two = await open({}, second)
  await two.until('open')

  const three = await open({}, third)
  await three.until('waiting')
  const { errors, statuses } = await three.record()
  expect(errors[0]).toMatchObject({
    kind: 'limit',
    status: 429,
    retryable: true,
    state: 'waiting',
    attempt: 1,
  })
  // Told to come back in 1 s: not earlier.
  const told = statuses.find(({ nextAttemptAt }) => nextAttemptAt !== null)!
  expect(told.nextAttemptAt! - told.since).toBeGreaterThanOrEqual(1_000)
  expect(backend.streams()).toBe(2)

  await first!.close()
  await three.until('open', 20_000)
  await backend.publish(3)
  await expectExactlyOnce([two, three], [1, 2, 3])
  expect(backend.peak()).toBe(2)
  for (const profile of profiles) await profile.close()
})
