import { parseArgs } from 'node:util'
import { ensureBrowsers } from '../browsers.ts'
import { buildPages } from './build-pages.ts'
import { startChromium } from './chromium.ts'
import { startServer } from './start-server.ts'
import { openTabs } from './tabs.ts'

/**
 * `npm run bench:profile -- [--variant tabstream] [--tabs 6] [--rate 1000] [--count 10000] [--size 150]`: where the time
 * of a load goes, by process. `--rate 0`: as fast as it goes. `--functions`: in the worker by function too, which costs
 * time itself. Chromium only.
 */
const { values } = parseArgs({
  options: {
    variant: { type: 'string', default: 'tabstream' },
    tabs: { type: 'string', default: '6' },
    rate: { type: 'string', default: '1000' },
    count: { type: 'string', default: '10000' },
    size: { type: 'string', default: '150' },
    functions: { type: 'boolean', default: false },
  },
})
const tabs = Number(values.tabs)
const rate = Number(values.rate)
const count = Number(values.count)
const size = Number(values.size)

ensureBrowsers()
buildPages()
const server = await startServer()
const browser = await startChromium()
const seats = await openTabs({ browser, server }, values.variant, tabs, tabs > 6)
const send = (events: number) => seats.send({ count: events, size, rate: rate === 0 ? null : rate })

await send(Math.max(500, rate))
const stop = values.functions ? await browser.profileWorker() : null
const before = {
  cpu: browser.cpuByKind(),
  server: await server.usage(),
  main: await seats.tabs[0]!.mainThread(),
}
const { ms } = await send(count)
const [cpu, served, main] = [browser.cpuByKind(), await server.usage(), await seats.tabs[0]!.mainThread()]
const functions = await stop?.()

const line = (name: string, used: number) =>
  `${name.padEnd(60)} ${used.toFixed(0).padStart(7)} ms ${((used / ms) * 100).toFixed(1).padStart(6)} %`
console.log(`${values.variant}: ${count} events of ${size} B to ${tabs} tabs in ${ms.toFixed(0)} ms\n`)
let total = 0
for (const [kind, used] of cpu) {
  const spent = used - (before.cpu.get(kind) ?? 0)
  total += spent
  if (spent > 0) console.log(line(kind, spent))
}
console.log(line('all of the browser', total))
console.log(line('server', served.cpu - before.server.cpu))
console.log(line("first tab's main thread", main! - before.main!))
if (functions !== undefined) {
  console.log('\nIn the worker, by function itself:\n')
  for (const [name, used] of functions.slice(0, 30)) console.log(line(name, used))
}

await seats.close()
await browser.close()
server.close()
process.exit(0)
