import { eventually } from '../../eventually.ts'
import { expect, nothingIsLost, run, tabsAre, test, user, withFrame } from '../fixtures.ts'

// Black holes and freezes take their time.
test.setTimeout(90_000)

const millisecondsIn = (text: string, before: string): number => {
  const [, figure, unit] = new RegExp(`${before} ([\\d.]+) (ms|s)`).exec(text)!
  return Number(figure) * (unit === 's' ? 1_000 : 1)
}

test('restart the server: nobody can connect meanwhile, and it is noticed', async ({ visit, demo }) => {
  const page = await withFrame(visit)
  const said = run(page, 'restart')
  await eventually(() =>
    fetch(`http://127.0.0.1:${demo.port()}/healthz`).then(
      () => 'up',
      () => 'down',
    ),
  ).toBe('down')
  expect(millisecondsIn(await said, 'Back after')).toBeGreaterThanOrEqual(1_400)
  await nothingIsLost(page)
})

test('S3 black-hole the network: the heartbeat notices, no sooner and not much later', async ({ visit }) => {
  const page = await withFrame(visit)
  const said = await run(page, 'black-hole')
  const noticed = millisecondsIn(said, 'Noticed after')
  // Up to a ping of 1 s before it began to count.
  expect(noticed).toBeGreaterThanOrEqual(1_900)
  expect(noticed).toBeLessThan(6_000)
  expect(millisecondsIn(said, 'Back after')).toBeGreaterThanOrEqual(5_000)
  expect(said).toContain('silent')
  await nothingIsLost(page)
})

test('A2 let the token expire: 401, and one exchange for all tabs', async ({ visit, demo }) => {
  const page = await withFrame(visit)
  await demo.resetCounters()
  const said = await run(page, 'expire-token')
  expect(said).toMatch(/^1 answer 401, then 1 exchange for 2 tabs\./)
  expect(await demo.requests('/api/v1/auth/sse-token')).toHaveLength(1)
  expect((await demo.requests('/api/v1/events/stream')).map(({ status }) => status)).toEqual([401, 200])
  await nothingIsLost(page)
})

test('D4 freeze a tab: a window stands still, the others do not wait, and it has all in the end', async ({
  visit,
}) => {
  const page = await visit()
  const said = await run(page, 'freeze')
  const [, tab] = /^Tab (\d) stood still for 4\.\d s/.exec(said)!
  expect(Number(tab)).toBe(2)
  await tabsAre(page, 2)
  await nothingIsLost(page)
})

test('D4 burst of 10,000 events: every tab has every one', async ({ visit, demo }) => {
  const page = await withFrame(visit)
  const said = await run(page, 'burst')
  expect(said).toContain('10,000 events meanwhile. Each of 2 tabs has them: lost 0, doubled 0.')
  const figures = await fetch(`http://127.0.0.1:${demo.port()}/debug/user?user=${user}`)
  expect((await figures.json()).published).toBeGreaterThanOrEqual(10_000)
  await nothingIsLost(page)
})

test('R6 a third browser is refused, and the picture shows both', async ({ visit, demo }) => {
  const page = await withFrame(visit)
  const said = await run(page, 'third-browser')
  expect(said).toContain(
    '1 other browser let in (2 of 2 places), the next: 429 too_many_streams, Retry-After: 5 s.',
  )
  await expect(page.locator('#picture').getByText('a third browser: 429')).toBeVisible()
  expect(demo.connections().peak.users[user]).toBe(2)
  await eventually(() => demo.streams(user)).toBe(1)
  await nothingIsLost(page)
})

test('a fault that is under way keeps the focus, and the others wait for it', async ({ visit }) => {
  const page = await visit()
  const button = page.locator('#fault-restart')
  await button.focus()
  await page.keyboard.press('Enter')
  await expect(button).toHaveAttribute('aria-busy', 'true')
  await expect(page.locator('#fault-cut')).toHaveAttribute('aria-disabled', 'true')
  await page.locator('#fault-cut').dispatchEvent('click')
  await expect(page.locator('#outcome-restart')).toHaveAttribute('data-kept', 'true', { timeout: 20_000 })
  await expect(button).toBeFocused()
  await expect(page.locator('#outcome-cut')).toBeEmpty()
  await expect(page.locator('#notice')).toContainText('Restart the server: ')
})
