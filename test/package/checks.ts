import type { Frame } from 'playwright'
import type { startFront } from './front.ts'

declare global {
  interface Window {
    fixture: {
      heard: number[]
      stream: { status: { state: string; host: string }; openInspector(): Promise<HTMLElement> }
      /** Of a page that shows the status and the latest event: takes the application away. */
      unmount?: () => unknown
      /** Of a page with a query: how many answers it has shown. */
      shown?: number
    }
  }
}

/** What is looked at in the two tabs of an application, beyond what all must do. @returns what it found, in words */
export type Check = (tabs: Frame[], front: Awaited<ReturnType<typeof startFront>>) => Promise<string>

/** For a machine that is busy with something else. In ms. */
export const PATIENCE = 30_000

/** The hooks show what they give. The application of the first tab is unmounted. */
export const hooks: Check = async ([first, second]) => {
  for (const tab of [first!, second!])
    await tab.waitForFunction(() => /state: open, latest: \d/.test(document.body.textContent ?? ''), null, {
      timeout: PATIENCE,
    })
  await first!.evaluate(() => window.fixture.unmount?.())
  await first!.waitForFunction(() => window.fixture.stream.status.state === 'closed')
  if ((await first!.evaluate(() => document.body.textContent ?? '')).includes('state'))
    throw new Error('It is not unmounted.')
  const other = await second!.evaluate(() => window.fixture.stream.status.state)
  if (other !== 'open') throw new Error(`The other tab's stream is ${other}.`)
  return 'hooks, closed at the unmount'
}

/** An event that calls for it makes both tabs fetch, which is one request. */
export const oneRequest: Check = async (tabs, front) => {
  const path = '/notes.json'
  const rounds = 5
  let before = 0
  for (let round = 0; round <= rounds; round++) {
    // What the tabs heard before is over with the first round.
    if (round === 1) before = front.requests(path)
    const n = 1_000 + round
    const shown = await Promise.all(tabs.map((tab) => tab.evaluate(() => window.fixture.shown ?? 0)))
    front.publish(n)
    for (const [at, tab] of tabs.entries())
      await tab.waitForFunction(
        ([n, shown]) =>
          window.fixture.heard.at(-1) === n &&
          (window.fixture.shown ?? 0) > shown! &&
          document.body.textContent?.includes('fresh'),
        [n, shown[at]!],
        { timeout: PATIENCE },
      )
  }
  const requests = front.requests(path) - before
  if (requests !== rounds) throw new Error(`${requests} requests for ${rounds} events in 2 tabs.`)
  return `${requests} requests for ${rounds} events`
}
