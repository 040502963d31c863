import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Answer } from '../browser/front.ts'
import { answer, during } from './answer-faults.ts'
import type { Fault } from './faults.ts'
import { until, untilHeard } from './until.ts'

const WORKERS = ['sharedworker', 'worker']
const isWorkerScript = ({ headers }: IncomingMessage) => WORKERS.includes(String(headers['sec-fetch-dest']))

/** A script that denies Web Locks to the worker that runs it, for so many ms. */
const deniedFor = (ms: number) => `{
  const request = navigator.locks.request.bind(navigator.locks), until = Date.now() + ${Math.round(ms)}
  navigator.locks.request = (...given) =>
    Date.now() < until ? Promise.reject(new DOMException('denied', 'SecurityError')) : request(...given)
}`

const DENIED = '/denied.js'
const workerFile = fileURLToPath(new URL('../../dist/stream.worker.js', import.meta.url))
const workerDenied =
  (ms: number): Answer =>
  (_request, response) =>
    void response
      .writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'no-store' })
      .end(`${deniedFor(ms)}\n${readFileSync(workerFile, 'utf8')}`)

/** What surrounds the library: its script, what a browser refuses, other streams of the same page. */
export const FAULTS_OF_ENVIRONMENT: Fault[] = [
  {
    name: "the worker's script is gone for a while, and every worker closes",
    deadly: true,
    orphans: true,
    run: (scene) =>
      during(
        scene,
        {
          answer: (request) => (isWorkerScript(request) ? answer(503) : undefined),
        },
        async () => {
          await scene.crew.members[0]!.tab.harm('close')
          await scene.pause(500 + scene.random() * 2_500)
        },
      ),
  },
  {
    name: 'a tab comes and goes whose locks are denied',
    async run({ user, backend, host }) {
      const page = await user.context().newPage()
      await page.goto(backend.url)
      // It attaches without one, and pings say that it is there (T2).
      await page.evaluate((kind) => {
        navigator.locks.request = () => Promise.reject(new DOMException('denied', 'SecurityError'))
        window.start({ host: kind })
      }, host)
      await page.waitForFunction(() => window.stream.status.state === 'open', null, { timeout: 45_000 })
      await page.close()
    },
  },
  {
    name: "locks are denied to a visitor's page and worker for a while",
    async run(scene) {
      const { user, backend, random } = scene
      const page = await user.context().newPage()
      await page.goto(backend.url)
      const ms = 1_000 + random() * 2_000
      await during(
        scene,
        { answer: ({ url }) => (url === DENIED ? workerDenied(ms) : undefined) },
        async () => {
          await page.evaluate((denied) => {
            const request = navigator.locks.request.bind(navigator.locks) as (
              ...given: unknown[]
            ) => Promise<unknown>
            const until = Date.now() + denied
            navigator.locks.request = (...given: unknown[]) =>
              Date.now() < until
                ? Promise.reject(new DOMException('denied', 'SecurityError'))
                : request(...given)
          }, ms)
          // A key of this run alone: the hub of an earlier one would have its locks.
          const connect = { headers: { 'X-Tenant': `locks ${random()}` } }
          await page.evaluate((options) => void window.start(options), {
            user: 'bob',
            worker: DENIED,
            connect,
          })
          await until(
            scene,
            () => page.evaluate(() => window.stream.status.state === 'open'),
            'open by itself',
          )
        },
      )
      await page.close()
    },
  },
  {
    name: 'two tenants of another user come and go',
    async run({ backend, visit }) {
      const open = (tenant: string) => visit({ user: 'bob', connect: { headers: { 'X-Tenant': tenant } } })
      const tabs = [await open('acme'), await open('zeta')]
      for (const tab of tabs) await tab.until('open', 45_000)
      // What differs in its headers is another stream (A3).
      if (backend.streams('bob') !== 2)
        throw new Error(`${backend.streams('bob')} streams of two tenants (A3)`)
      const last = await backend.publish(3, 'bob')
      for (const tab of tabs) await untilHeard(tab, last, 45_000)
      for (const tab of tabs) await tab.close()
    },
  },
]
