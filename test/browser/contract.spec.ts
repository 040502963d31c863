import { type Arena, type ContractTab, scenarios, TYPES } from '../contract.ts'
import { eventually, test } from './fixtures.ts'
import type { Tab } from './tab.ts'

/** Events that the server keeps: more than a scenario publishes at once, fewer than `lapse` does. */
const retention = 400
test.use({ backendOptions: { retention } })

const transition = ({ page }: Tab, type: 'pagehide' | 'pageshow') =>
  page.evaluate((name) => {
    window.dispatchEvent(new PageTransitionEvent(name, { persisted: true }))
  }, type)

const toContract = (tab: Tab): ContractTab => ({
  heard: tab.numbers,
  resets: async () => (await tab.record()).resets.map(({ reason }) => reason),
  errors: async () => (await tab.record()).errors.map(({ kind }) => kind),
  state: async () => (await tab.status()).state,
  metrics: tab.metrics,
  inspect: tab.inspect,
  // Playwright turns the cache itself off; what a page does on its way in and out is the same.
  hide: () => transition(tab, 'pagehide'),
  show: () => transition(tab, 'pageshow'),
  close: () => tab.page.evaluate(() => window.stream.close()),
  end: tab.close,
})

for (const host of ['shared-worker', 'worker'] as const)
  for (const { name, run } of scenarios)
    test(`${host}: ${name}`, async ({ backend, open }) => {
      const tabs: Tab[] = []
      let published = 0
      /** As a user does, since the test's own way to publish knows one type. */
      const post = async (path: string, body: unknown, token?: string) => {
        const response = await fetch(`${backend.url}/api/v1/${path}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            // Through the proxy, which cuts what is open.
            connection: 'close',
            ...(token && { authorization: `Bearer ${token}` }),
          },
          body: JSON.stringify(body),
        })
        if (!response.ok) throw new Error(`${path} answers ${response.status}`)
        return response.json()
      }
      const logIn = post('auth/login', { user: 'ada', password: 'ada' }) as Promise<{ access_token: string }>

      const arena: Arena = {
        async open({ from, types } = {}) {
          const tab = await open({
            host,
            ...(types && { types }),
            ...(from !== undefined && { connect: { from } }),
          })
          tabs.push(tab)
          await tab.until('open')
          return toContract(tab)
        },
        async publish(count, type = TYPES[0]) {
          const numbers = Array.from({ length: count }, () => ++published)
          const { access_token } = await logIn
          await post(
            'events',
            numbers.map((n) => ({ type, data: { n } })),
            access_token,
          )
          return numbers
        },
        cut: async () => backend.proxy.cut(),
        async lapse() {
          backend.proxy.refuse()
          backend.proxy.cut()
          await backend.publish(retention + 10)
          backend.proxy.restore()
        },
        killHubs: () => tabs[0]!.harm('close'),
        streams: () => backend.streams(),
        peak: () => backend.peak(),
        eventually: (read, expected) => eventually(read, { timeout: 20_000 }).toEqual(expected),
      }
      await run(arena)
    })
