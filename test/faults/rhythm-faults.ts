import type { ServerResponse } from 'node:http'
import { openStream } from '../browser/odd-server.ts'
import type { Tab } from '../browser/tab.ts'
import { during } from './answer-faults.ts'
import type { Fault, Scene } from './faults.ts'
import { until } from './until.ts'

const PATH = '/rhythm/'
/** ms between the comments of each server. The product's limits lie above 10 s, so that these times are real ones. */
const RHYTHMS: Record<string, number[]> = {
  'falls silent': [15_000],
  '30 s': [30_000],
  '45 s': [45_000],
  changes: [15_000, 15_000, 15_000, 15_000, 45_000, 45_000, 30_000, 30_000],
}
/** Comments on its first stream, after which the first of these servers falls silent. */
const SPEAKS = 6
/** ms for the hub to notice: the comments, 2.5 times the rhythm (S3), and what a busy machine adds. */
const NOTICED_WITHIN = SPEAKS * 15_000 + 37_500 + 90_000
/** Comments that show what becomes of a stream. */
const SHOWN_BY = 5
const SHOWN_WITHIN = 600_000

/** Servers whose streams hold nothing but comments, each in its own rhythm. */
const startServers = () => {
  const counts = new Map(Object.keys(RHYTHMS).map((name) => [name, { streams: 0, comments: 0 }]))
  const timers = new Set<NodeJS.Timeout>()
  const speak = (response: ServerResponse, name: string, at: number) => {
    const gaps = RHYTHMS[name]!
    const timer = setTimeout(
      () => {
        timers.delete(timer)
        const count = counts.get(name)!
        if (response.destroyed || (name === 'falls silent' && count.streams === 1 && at >= SPEAKS)) return
        count.comments++
        response.write(':\n')
        speak(response, name, at + 1)
      },
      gaps[Math.min(at, gaps.length - 1)],
    )
    timers.add(timer)
  }
  return {
    of: (name: string) => counts.get(name)!,
    answer: (url = '') => {
      const name = url.startsWith(PATH) ? decodeURIComponent(url.slice(PATH.length)) : ''
      const count = counts.get(name)
      if (count === undefined) return undefined
      return (_request: unknown, response: ServerResponse) => {
        count.streams++
        openStream(response, ':\n')
        speak(response, name, 0)
      }
    },
    close() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

/** @param cuts how often at most the stream may have been given up */
const check = async (name: string, tab: Tab, streams: number, cuts: number) => {
  const { state, health } = await tab.status()
  const { missedHeartbeats } = await tab.metrics()
  const said = `${streams} streams, ${missedHeartbeats} signs missed, now ${state}, ${health}`
  if (streams > 1 + cuts || (cuts === 0 && missedHeartbeats > 0) || state !== 'open')
    throw new Error(`the server "${name}": ${said} (S3)`)
}

const watch = async (scene: Scene) => {
  const servers = startServers()
  try {
    await during(scene, { answer: ({ url }) => servers.answer(url) }, async () => {
      const tabs = new Map<string, Tab>()
      for (const name of Object.keys(RHYTHMS)) {
        const tab = await scene.visit({
          url: PATH + encodeURIComponent(name),
          user: 'bob',
          exchange: null,
        })
        await tab.until('open', 45_000)
        tabs.set(name, tab)
      }
      const isNoticed = () => servers.of('falls silent').streams === 2
      await until(scene, isNoticed, 'the silence is noticed (S3)', NOTICED_WITHIN)
      const isShown = () =>
        ['45 s', '30 s'].every((name) => servers.of(name).comments >= SHOWN_BY) &&
        servers.of('changes').comments >= RHYTHMS.changes!.length + SHOWN_BY
      await until(scene, isShown, 'enough comments', SHOWN_WITHIN)
      // What became slower is cut once: until then nothing tells it from a line that is dead.
      const cuts: Record<string, number> = { 'falls silent': 1, changes: 1 }
      for (const [name, tab] of tabs) {
        await check(name, tab, servers.of(name).streams, cuts[name] ?? 0)
        await tab.close()
      }
    })
  } finally {
    servers.close()
  }
}

/** Servers that are slow to say that they are there, or that change how often they do. */
export const FAULTS_OF_RHYTHM: Fault[] = [
  { name: 'servers with comments every 15, 30 and 45 s, and one that changes', long: true, run: watch },
]
