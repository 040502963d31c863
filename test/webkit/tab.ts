import assert from 'node:assert/strict'
import { FAULT_CHANNEL, type StartOptions, type WorkerFault } from '../browser/app/record.ts'
import { until } from '../until.ts'
import type { Session } from './driver.ts'

/** The test application in a tab of WebKit's, connected; the counterpart of test/browser/tab.ts. */
export const openTab = async (session: Session, url: string, options: StartOptions = {}) => {
  const window = await session.openWindow()
  const { evaluate } = window
  const connect = async () => {
    await until('the application loads', () => evaluate(() => typeof globalThis.window.start === 'function'))
    await evaluate((start) => globalThis.window.start(start), options)
  }
  await window.goto(url)
  await connect()

  return {
    ...window,
    numbers: () => evaluate(() => globalThis.window.record.events.map(({ n }) => n)),
    record: () => evaluate(() => globalThis.window.record),
    status: () => evaluate(() => globalThis.window.stream.status),
    inspect: () => evaluate(() => globalThis.window.stream.inspect()),
    untilOpen: () => until('open', () => evaluate(() => globalThis.window.stream.status.state === 'open')),
    /** As a user's reload: another document, which connects again. */
    async reloadAndConnect() {
      await window.reload()
      await connect()
    },
    harm: (fault: WorkerFault) =>
      evaluate(
        (channel, what) => {
          const sender = new BroadcastChannel(channel)
          sender.postMessage(what)
          sender.close()
        },
        FAULT_CHANNEL,
        fault,
      ),
  }
}

export type Tab = Awaited<ReturnType<typeof openTab>>

/** The oracle of D1. */
export const expectExactlyOnce = async (tabs: Tab[], expected: number[], timeout?: number) => {
  for (const tab of tabs) {
    const last = expected.at(-1)!
    await until(`event ${last} arrives`, async () => (await tab.numbers()).includes(last), timeout)
    assert.deepEqual(await tab.numbers(), expected)
  }
}
