import { retryFor, retryOf, shortestRetry } from '../../demo/server/streams/reconnect-spread.ts'
import { RETRY_FIRST } from '../../worker/base/exponential.ts'
import { delay } from '../../worker/stream/backoff.ts'
import { createRandom, type Random } from '../random.ts'

/**
 * `npm run bench:herd`: 5,000 clients lose their streams in the same instant, since their node was killed or replaced,
 * and service is there again after a while. Each waits as the library's own `delay` says, by the `retry:` of
 * demo/server; native EventSources wait the fixed time of their browser. No sockets: the clock is a number.
 */
const clients = 5_000
const limit = 0.1
/** Of demo/server (options.ts). */
const reconnectsPerSecond = 330
const seeds = 20

interface Herd {
  name: string
  /** Milliseconds to the next attempt. */
  wait: (attempt: number, random: Random) => number
}

const retry = retryFor(clients, reconnectsPerSecond)
const chromium = 3_000

const herds: Herd[] = [
  { name: 'native EventSource, fixed 3 s', wait: () => chromium },
  {
    name: 'tabstream, a server without retry:',
    wait: (attempt, random) => delay(attempt, RETRY_FIRST, null, random()),
  },
  {
    name: 'tabstream, demo/server',
    wait: (attempt, random) => delay(attempt, retryOf(retry, true, random()), null, random()),
  },
]

/** When each client is back, in ms after service is. An attempt before is refused at once. */
const simulate = ({ wait }: Herd, outage: number, random: Random): number[] =>
  Array.from({ length: clients }, () => {
    let time = 0
    for (let attempt = 0; ; attempt++) {
      time += wait(attempt, random)
      if (time >= outage) return time - outage
    }
  })

/** The largest share of clients within any one second, wherever that begins. */
const worstSecond = (times: readonly number[]): number => {
  const sorted = times.toSorted((a, b) => a - b)
  let from = 0
  let most = 0
  for (let to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! >= 1_000) from += 1
    most = Math.max(most, to - from + 1)
  }
  return most / sorted.length
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

const outages = [0, 1_000, 5_000, 15_000, 60_000]
const percent = (share: number) => `${(share * 100).toFixed(1)} %`.padStart(9)

console.log(`${clients} clients dropped at once; the largest share that is back within any one second,`)
console.log(`the worst of ${seeds} runs; and after how many seconds of service a client is back on average.`)
console.log(
  `demo/server tells a node's ${clients} streams "retry: ${retry}" (${shortestRetry} for few streams).\n`,
)
console.log(
  `${'service is away for'.padEnd(36)}${outages.map((outage) => `${outage / 1_000} s`.padStart(17)).join('')}`,
)
let ours = 0
for (const herd of herds) {
  const cells = outages.map((outage) => {
    const runs = Array.from({ length: seeds }, (_, seed) => simulate(herd, outage, createRandom(seed + 1)))
    const worst = Math.max(...runs.map(worstSecond))
    if (herd === herds.at(-1)) ours = Math.max(ours, worst)
    return `${percent(worst)} ${`${(mean(runs.flat()) / 1_000).toFixed(1)} s`.padStart(7)}`
  })
  console.log(`${herd.name.padEnd(36)}${cells.join('')}`)
}
console.log(
  `\ntabstream with demo/server: at most ${percent(ours).trim()} in any one second (limit ${limit * 100} %)`,
)
process.exitCode = ours <= limit ? 0 : 1
