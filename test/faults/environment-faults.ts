import { openTab } from '../browser/tab.ts'
import { answer, during } from './answer-faults.ts'
import type { Fault } from './faults.ts'
import { untilHeard } from './until-heard.ts'

const WORKERS = ['sharedworker', 'worker']

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
          answer: ({ headers }) =>
            WORKERS.includes(String(headers['sec-fetch-dest'])) ? answer(503) : undefined,
        },
        async () => {
          await scene.crew.members[0]!.tab.harm('close')
          await scene.pause(500 + scene.random() * 2_500)
        },
      ),
  },
  {
    name: 'a tab comes and goes whose locks are denied',
    async run({ user, backend }) {
      const page = await user.context().newPage()
      await page.goto(backend.url)
      // It attaches without one, and pings say that it is there (T2).
      await page.evaluate(() => {
        navigator.locks.request = () => Promise.reject(new DOMException('denied', 'SecurityError'))
        window.start({})
      })
      await page.waitForFunction(() => window.stream.status.state === 'open', null, { timeout: 45_000 })
      await page.close()
    },
  },
  {
    name: 'two tenants of another user come and go',
    async run({ user, backend }) {
      const open = (tenant: string) =>
        openTab(user.context(), backend.url, {
          user: 'bob',
          connect: { headers: { 'X-Tenant': tenant } },
        })
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
