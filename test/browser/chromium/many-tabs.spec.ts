import type { Page } from 'playwright/test'
import { eventually, expect, expectExactlyOnce, test } from '../fixtures.ts'
import { range, type Tab } from '../tab.ts'
import { openWorkerDevtools } from './worker-devtools.ts'

type Kind = 'window' | 'frame'

/** A window costs a test ten times as much as a frame; to the library both are tabs. */
const WAVES: { kind: Kind; waves: number; each: number }[] = [
  { kind: 'window', waves: 5, each: 10 },
  { kind: 'frame', waves: 18, each: 25 },
]

const locksOf = ({ page }: Tab) =>
  page.evaluate(async () => {
    const { held, pending } = await navigator.locks.query()
    const names = (locks: LockInfo[] | undefined) => (locks ?? []).map(({ name }) => name).sort()
    return { held: names(held), pending: names(pending) }
  })

/** A page without a client of its own that opens tabs and closes them: dearer ones, Playwright would open. */
const createOpener = async (page: Page) => {
  await page.evaluate(() => {
    const html = fetch(location.href).then((response) => response.text())
    const openers = {
      window: async () => {
        const opened = window.open(location.href)!
        await new Promise((resolve) => opened.addEventListener('load', resolve))
        return opened
      },
      frame: async () => {
        const frame = document.createElement('iframe')
        const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
        // By its text, since the server lets nobody frame its pages.
        frame.srcdoc = await html
        document.body.append(frame)
        await loaded
        return frame.contentWindow!
      },
    }
    let tabs: Window[] = []
    window.crowd = {
      async open(kind, count) {
        tabs = await Promise.all(Array.from({ length: count }, openers[kind]))
        const connected = tabs.map((tab) => {
          tab.start()
          return new Promise<void>((resolve) =>
            tab.stream.onStatus(({ state }) => state === 'open' && resolve()),
          )
        })
        await Promise.all(connected)
      },
      heard: () => tabs.map(({ record }) => record.events.map(({ n }) => n)),
      close() {
        for (const tab of tabs) tab.frameElement === null ? tab.close() : tab.frameElement.remove()
        tabs = []
      },
    }
  })
  return {
    open: (kind: Kind, count: number) =>
      page.evaluate(([what, many]) => window.crowd.open(what, many), [kind, count] as const),
    heard: () => page.evaluate(() => window.crowd.heard()),
    close: () => page.evaluate(() => window.crowd.close()),
  }
}

declare global {
  interface Window {
    crowd: {
      open(kind: Kind, count: number): Promise<void>
      heard(): (number | undefined)[][]
      close(): void
    }
  }
}

test('T1 500 tabs opened and closed leave no session, lock, port or memory behind, and one stream runs on', async ({
  backend,
  browser,
  context,
  open,
}) => {
  test.setTimeout(180_000)
  const observer = await open()
  await observer.until('open')
  const page = await context.newPage()
  await page.goto(backend.url)
  const opener = await createOpener(page)
  const worker = await openWorkerDevtools(browser)

  const wave = async (kind: Kind, count: number) => {
    await opener.open(kind, count)
    const n = await backend.publish()
    await eventually(opener.heard, { message: 'each hears the one event of its time' }).toEqual(
      range(1, count).map(() => [n]),
    )
    await opener.close()
  }
  const alone = async () => {
    await eventually(async () => (await observer.inspect()).sessions.length, { message: 'sessions' }).toBe(1)
    expect((await observer.status()).tabs).toBe(1)
    await observer.committed()
    // Looking collects the garbage; what a finalizer of that lets go of is the next look's.
    await eventually(() => worker.count('MessagePort'), { message: 'ports' }).toBe(1)
    return { locks: await locksOf(observer), heap: await worker.heap() }
  }

  // What is compiled and cached once is no leak.
  for (const { kind, each } of WAVES) await wave(kind, each)
  const before = await alone()

  for (const { kind, waves, each } of WAVES) for (let nth = 0; nth < waves; nth++) await wave(kind, each)
  const after = await alone()
  expect(after.locks).toEqual(before.locks)
  expect(after.heap - before.heap, 'bytes of heap').toBeLessThan(1024 * 1024)
  await expectExactlyOnce([observer], backend.published())
  expect(backend.connections()).toMatchObject({ total: 1, opened: 1, replaced: 0, peak: { total: 1 } })
  expect(await observer.record()).toMatchObject({ errors: [], resets: [] })
  await worker.close()
})
