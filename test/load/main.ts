import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from '../statistics.ts'

/**
 * `npm run bench:server -- [--streams 10000] [--rounds 3]`: how many streams one node holds, what they cost, and how
 * fast an event reaches them all, next to better-sse and @fastify/sse, which keep no history and know no user. All
 * in turn, on the same machine, in the same run. A server and a process of clients have a core each on two.
 */
const { values } = parseArgs({
  options: { streams: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '3' } },
})
const streams = Number(values.streams)
const rounds = Number(values.rounds)
const names = ['tabstream', 'better-sse', '@fastify/sse']
/** Not measured: code that has just been loaded takes half as long again for the first of them. */
const warmUp = { count: 5, every: 500 }
/** One event to all streams, so many times, with a pause between: how long until a stream has it? */
const paced = { count: 30, every: 500 }
/** As fast as the server takes them: how many deliveries a second? */
const flood = { count: 30, every: 0 }

const start = (file: string, args: string[] = []): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })

const ask = async <Answer>(child: ChildProcess, message: object): Promise<Answer> => {
  const answer = once(child, 'message')
  child.send(message)
  return (await answer)[0] as Answer
}

interface Read {
  deliveries: number
  seconds: number
  p50: number
  p99: number
}

const measure = async (name: string, round: number) => {
  const server = start('./rivals.ts', [name])
  const [target] = (await once(server, 'message')) as [{ port: number; path: string; token?: string }]
  const clients = start('./clients.ts')
  const memory = () => ask<{ memory: number }>(server, { kind: 'memory' })
  const before = await memory()
  const from = `127.0.0.${2 + (round % 200)}`
  const opening = performance.now()
  const { open } = await ask<{ open: number }>(clients, { kind: 'open', ...target, count: streams, from })
  const opened = (performance.now() - opening) / 1_000
  const after = await memory()

  const run = async (load: { count: number; every: number }): Promise<Read> => {
    await ask(clients, { kind: 'reset' })
    const read = ask<Read>(clients, { kind: 'read', expected: load.count * open })
    await ask(server, { kind: 'publish', ...load })
    return read
  }
  await run(warmUp)
  const calm = await run(paced)
  const full = await run(flood)
  clients.disconnect()
  await once(clients, 'exit')
  server.disconnect()
  await once(server, 'exit')
  return {
    opened: streams / opened,
    bytes: (after.memory - before.memory) / open,
    p50: calm.p50,
    p99: calm.p99,
    rate: full.deliveries / full.seconds,
    missing: streams * (paced.count + flood.count) - calm.deliveries - full.deliveries,
  }
}

type Result = Awaited<ReturnType<typeof measure>>

const results = new Map<string, Result[]>(names.map((name) => [name, []]))
for (let round = 0; round < rounds; round++)
  // Another one first in each round: what comes first may have a cold, or a cool, machine.
  for (let turn = 0; turn < names.length; turn++) {
    const name = names[(turn + round) % names.length]!
    results.get(name)!.push(await measure(name, round * names.length + turn))
    console.log(`round ${round + 1}: ${name} ${JSON.stringify(results.get(name)!.at(-1))}`)
  }

const columns: [string, (result: Result) => number, (value: number) => string][] = [
  ['KiB a stream', ({ bytes }) => bytes / 1024, (value) => value.toFixed(1)],
  ['opened a second', ({ opened }) => opened, (value) => value.toFixed(0)],
  ['p50 ms', ({ p50 }) => p50, (value) => value.toFixed(0)],
  ['p99 ms', ({ p99 }) => p99, (value) => value.toFixed(0)],
  ['deliveries a second', ({ rate }) => rate, (value) => value.toFixed(0)],
  ['not counted', ({ missing }) => missing, (value) => value.toFixed(0)],
]
console.log(`\n${streams} streams, one event to all of them; medians of ${rounds} rounds\n`)
console.log(`${''.padEnd(14)}${columns.map(([title]) => title.padStart(21)).join('')}`)
for (const name of names) {
  const cells = columns.map(([, read, format]) => format(median(results.get(name)!.map(read))).padStart(21))
  console.log(`${name.padEnd(14)}${cells.join('')}`)
}

const of = (name: string, read: (result: Result) => number) => median(results.get(name)!.map(read))
const others = (read: (result: Result) => number) => names.slice(1).map((name) => of(name, read))
const rate = of('tabstream', ({ rate }) => rate) / Math.max(...others(({ rate }) => rate))
const p50 = of('tabstream', ({ p50 }) => p50) / Math.min(...others(({ p50 }) => p50))
const p99 = of('tabstream', ({ p99 }) => p99) / Math.min(...others(({ p99 }) => p99))
console.log(
  `\ntabstream to the better of the two: ${rate.toFixed(2)} times the deliveries a second, ` +
    `${p50.toFixed(2)} times the p50, ${p99.toFixed(2)} times the p99`,
)
// A tenth is what the same server differs by from run to run.
process.exitCode = rate >= 0.9 && p50 <= 1.1 && p99 <= 1.1 ? 0 : 1
