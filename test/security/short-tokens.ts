import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBackend } from '../browser/backend.ts'
import { openTab, type Tab } from '../browser/tab.ts'
import { ensureBrowsers } from '../browsers.ts'
import { judge, sum } from '../faults/oracle.ts'
import { startUser } from '../faults/user.ts'

/**
 * `npm run test:tokens [-- --minutes 10]`: SSE tokens that live for 15 s, in real Chromium, over minutes of events.
 * Renewal is ahead of expiry (A2): once under way, no stream should ever see a 401, and no event be lost for it.
 */

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const LIFE = 15

ensureBrowsers()
const backend = await startBackend({ sseTokenLife: LIFE })
const user = await startUser('chromium')
const tabs: Tab[] = []
for (let count = 0; count < 3; count++) {
  const tab = await openTab(user.context(), backend.url)
  await tab.until('open', 30_000)
  tabs.push(tab)
}

const start = Date.now()
const end = start + Number(values.minutes) * 60_000
let late = 0
let renewals = 0
const settled = start + 60_000
for (let second = 1; Date.now() < end; second++) {
  await backend.publish(10)
  await pause(start + second * 1_000 - Date.now())
  // The server keeps the last requests only: they are counted and forgotten as it goes.
  if (second % 30 > 0) continue
  const streams = await backend.requests('/api/v1/events/stream')
  if (Date.now() > settled) late += streams.filter(({ status }) => status === 401).length
  renewals += streams.length
  await backend.resetCounters()
  console.log(`${second} s: ${renewals} streams opened, ${late} answers 401 after the first minute`)
}

const last = await backend.publish()
for (const tab of tabs) await tab.received(last, 30_000)
const verdicts = await Promise.all(
  tabs.map(async (tab) =>
    judge({ numbers: await tab.numbers(), resetsAt: (await tab.record()).resetsAt }, 1, last),
  ),
)
const resets = (await Promise.all(tabs.map((tab) => tab.record()))).flatMap((record) => record.resets)
const { delivered, lost, duplicated, reordered } = sum(verdicts)
console.log(
  `${delivered} delivered, ${lost} lost, ${duplicated} duplicated, ${reordered} reordered, ${resets.length} resets, ` +
    `${renewals} streams opened, ${late} answers 401 after the first minute, at most ${backend.peak()} stream`,
)
await user.close()
await backend.close()
process.exit(lost + duplicated + reordered + resets.length + late === 0 ? 0 : 1)
