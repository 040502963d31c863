import { type BrowserContext, expect } from 'playwright/test'
import type { InspectOptions } from '../../src/shared/inspection.ts'
import { FAULT_CHANNEL, type StartOptions, type TabRecord, type WorkerFault } from './app/record.ts'
import { eventually } from './eventually.ts'

/** Opens the test application in a new tab of a context, hence of one profile, and connects it. */
export const openTab = async (context: BrowserContext, url: string, options: StartOptions = {}) => {
  const page = await context.newPage()
  await page.goto(url)
  const { threw } = await page.evaluate((start) => window.start(start), options)

  const record = (): Promise<TabRecord> => page.evaluate(() => window.record)
  const numbers = (): Promise<number[]> =>
    page.evaluate(() => window.record.events.flatMap(({ n }) => (n === undefined ? [] : [n])))

  return {
    page,
    /** What `connect()` threw, if it did. */
    threw,
    record,
    numbers,
    inspect: (what?: InspectOptions) => page.evaluate((asked) => window.stream.inspect(asked), what),
    metrics: () => page.evaluate(() => window.stream.metrics()),
    status: () => page.evaluate(() => window.stream.status),
    /** Resolves once the stream is in this state as this tab sees it. */
    until: (state: string, timeout = 15_000) =>
      eventually(() => page.evaluate(() => window.stream.status.state), {
        timeout,
        message: `state ${state}`,
      }).toBe(state),
    /** Resolves once the event with this `n` has arrived. */
    received: (n: number, timeout = 20_000) =>
      eventually(() => page.evaluate((last) => window.record.events.some((event) => event.n === last), n), {
        timeout,
        message: `event ${n} arrives`,
      }).toBe(true),
    /** Resolves once the log has nothing left to commit: from here on, even a killed hub loses no event. */
    committed: () =>
      eventually(
        async () => {
          const { log } = await page.evaluate(() => window.stream.inspect())
          return log.head - log.committed
        },
        { message: 'everything is committed' },
      ).toBe(0),
    /** Does this to every worker of the profile. */
    harm: (fault: WorkerFault) =>
      page.evaluate(
        ([channel, what]) => {
          const sender = new BroadcastChannel(channel)
          sender.postMessage(what)
          sender.close()
        },
        [FAULT_CHANNEL, fault] as const,
      ),
    close: () => page.close(),
    /** As abrupt as the engine lets a test be: Playwright can't crash a tab of a stock Firefox. */
    async crash() {
      const browserName = page.context().browser()?.browserType().name()
      if (browserName !== 'chromium') return page.close({ runBeforeUnload: false })
      const devtools = await page.context().newCDPSession(page)
      const crashed = page.waitForEvent('crash')
      // The answer to this one never comes.
      devtools.send('Page.crash').catch(() => {})
      await crashed
    },
  }
}

export type Tab = Awaited<ReturnType<typeof openTab>>

/** The one whose hub has the stream. */
export const leaderOf = async (tabs: Tab[]): Promise<Tab | undefined> => {
  for (const tab of tabs) if ((await tab.status()).role === 'leader') return tab
  return undefined
}

export const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

/**
 * The oracle of D1: each tab heard of these events, every one once, in this order, and of nothing else.
 * Waits for the last one; a repeat that comes after it is caught by calling this again later on.
 */
export const expectExactlyOnce = async (tabs: Tab[], expected: number[], timeout?: number) => {
  for (const tab of tabs) {
    await tab.received(expected.at(-1)!, timeout)
    expect(await tab.numbers()).toEqual(expected)
  }
}
