import type { CDPSession } from 'playwright'
import type { Backend } from '../browser/backend.ts'
import { sharedWorkers } from '../browser/chromium/worker-devtools.ts'
import { leaderOf, openTab } from '../browser/tab.ts'
import { pick } from '../random.ts'
import type { Member } from './crew.ts'
import type { Fault, Scene } from './faults.ts'
import { untilHeard } from './until.ts'

const anyTab = ({ crew, random }: Scene) => pick(random, crew.members)

/** Judged up to here, then taken away; the run puts another in its place. */
const end = async ({ crew }: Scene, member: Member, how: 'close' | 'crash') => {
  await crew.retire(member)
  await member.tab[how]()
}

/** One that is between two leaders has none: any will do. */
const leader = async ({ crew: { members } }: Scene) => {
  const leading = await leaderOf(members.map(({ tab }) => tab))
  return members.find(({ tab }) => tab === leading) ?? members[0]!
}

const devtools = async (
  { tab: { page } }: Member,
  work: (session: CDPSession, origin: string) => Promise<unknown>,
) => {
  const session = await page.context().newCDPSession(page)
  await work(session, new URL(page.url()).origin)
  await session.detach()
}

/** For so many ms, in which events go on. */
const freeze = async ({ backend, pause }: Scene, member: Member, ms: number) => {
  await devtools(member, (session) => session.send('Page.setWebLifecycleState', { state: 'frozen' }))
  for (let burst = 0; burst < 5; burst++) {
    await backend.publish(20)
    await pause(ms / 5)
  }
  await devtools(member, (session) => session.send('Page.setWebLifecycleState', { state: 'active' }))
}

/** To another page of the site, and back. One that the browser did not keep meanwhile is another tab. */
const goAway = async ({ backend, crew, pause }: Scene, member: Member) => {
  const { page } = member.tab
  const record = await crew.heard(member)
  await page.goto(`${backend.url}/nothing-here`)
  await backend.publish(20)
  await pause(500)
  const back = page.waitForURL(`${backend.url}/`, { waitUntil: 'commit' })
  // Not within the call: it would lose its page before it could answer.
  await page.evaluate(() => void setTimeout(() => history.back()))
  await back
  const kept = await page.evaluate(() => window.record !== undefined && window.stream !== undefined)
  if (kept) return
  crew.buried(member, record)
  await page.close()
}

/** What the server said, once the stream is open. */
const resumption = async ({ tab }: Member) => {
  await tab.until('open', 45_000)
  return (await tab.status()).resume
}

const firstHeard = async ({ tab }: Member, backend: Backend): Promise<number> => {
  for (;;) {
    await untilHeard(tab, await backend.publish(), 1_000).catch(() => {})
    const [first] = await tab.numbers()
    if (first !== undefined) return first
  }
}

/** What goes wrong with tabs, workers, the browser and its storage. */
export const FAULTS_OF_TABS: Fault[] = [
  { name: 'a tab closes', run: (scene) => end(scene, anyTab(scene), 'close') },
  { name: 'a tab crashes', orphans: true, run: (scene) => end(scene, anyTab(scene), 'crash') },
  {
    name: 'the creator of the worker crashes',
    deadly: true,
    orphans: true,
    run: (scene) => end(scene, scene.crew.members[0]!, 'crash'),
  },
  {
    name: 'the leader closes',
    hosts: ['worker', 'mixed'],
    run: async (scene) => end(scene, await leader(scene), 'close'),
  },
  {
    name: 'the leader crashes',
    orphans: true,
    hosts: ['worker', 'mixed'],
    run: async (scene) => end(scene, await leader(scene), 'crash'),
  },
  {
    name: 'a page reloads',
    async run(scene) {
      const member = anyTab(scene)
      await scene.crew.retire(member)
      await member.tab.page.reload()
      const host = member.host
      await member.tab.page.evaluate((options) => window.start(options), { host })
      // It has started, which is what a reload does to a hub; another takes its place with the oracle.
      await member.tab.until('open', 45_000)
      await member.tab.close()
    },
  },
  {
    name: 'every worker closes',
    deadly: true,
    orphans: true,
    run: async (scene) => anyTab(scene).tab.harm('close'),
  },
  {
    name: 'a worker hangs',
    deadly: true,
    orphans: true,
    blocks: true,
    run: async (scene) => anyTab(scene).tab.harm('wedge'),
  },
  {
    name: 'the browser kills the worker',
    not: ['firefox'],
    hosts: ['shared-worker'],
    deadly: true,
    orphans: true,
    async run({ user }) {
      const browser = await user.context().browser()!.newBrowserCDPSession()
      for (const targetId of await sharedWorkers(browser))
        await browser.send('Target.closeTarget', { targetId })
      await browser.detach()
    },
  },
  {
    name: 'the browser is offline for a while',
    not: ['firefox'],
    hosts: ['shared-worker'],
    async run({ user, backend, pause, random }) {
      const browser = await user.context().browser()!.newBrowserCDPSession()
      const workers = await sharedWorkers(browser)
      const sessions = await Promise.all(
        workers.map((targetId) => browser.send('Target.attachToTarget', { targetId, flatten: false })),
      )
      const setOffline = async (offline: boolean) => {
        const params = { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
        for (const { sessionId } of sessions)
          for (const [id, method] of [
            [1, 'Network.enable'],
            [2, 'Network.emulateNetworkConditions'],
          ])
            await browser.send('Target.sendMessageToTarget', {
              sessionId,
              message: JSON.stringify({ id, method, params }),
            })
      }
      await setOffline(true)
      await pause(200)
      backend.proxy.cut()
      await pause(500 + random() * 2_000)
      await setOffline(false)
      await pause(200)
      await browser.detach()
    },
  },
  {
    name: 'reconnect() while it runs',
    run: async (scene) => anyTab(scene).tab.page.evaluate(() => window.stream.reconnect()),
  },
  { name: 'a tab freezes', not: ['firefox'], run: async (scene) => freeze(scene, anyTab(scene), 2_000) },
  {
    name: 'the leader freezes',
    not: ['firefox'],
    hosts: ['worker', 'mixed'],
    run: async (scene) => freeze(scene, await leader(scene), 2_000),
  },
  {
    name: 'a tab freezes for 60 s',
    not: ['firefox'],
    long: true,
    run: async (scene) => freeze(scene, anyTab(scene), 60_000),
  },
  {
    name: 'a page goes away and comes back',
    not: ['firefox'],
    run: async (scene) => goAway(scene, anyTab(scene)),
  },
  {
    name: "the leader's page goes away and comes back",
    not: ['firefox'],
    hosts: ['worker', 'mixed'],
    run: async (scene) => goAway(scene, await leader(scene)),
  },
  {
    name: 'the browser sleeps',
    not: ['firefox'],
    run: ({ user, random }) => user.sleep(1_000 + random() * 4_000),
  },
  {
    name: 'the browser is killed and starts on the same profile',
    not: ['firefox'],
    blocks: true,
    async run({ user, crew, backend }) {
      // Not where a worker that hangs since an earlier fault blocks the database: then history may be lost.
      const kept = await Promise.all(crew.members.map(({ tab }) => tab.committed())).then(
        () => true,
        () => false,
      )
      // Its successors are held to what is published from here on: committed, hence resumed after (D6).
      const from = (backend.published().at(-1) ?? 0) + 1
      for (const member of [...crew.members]) await crew.retire(member)
      await user.restart(() => backend.publish(50))
      await crew.open()
      const successor = crew.members[0]!
      if (!kept) crew.excuse()
      // With nothing on the disk there is nothing to resume after: the stream begins where it opens.
      const isFresh = !kept && (await resumption(successor)) === 'fresh'
      successor.from = isFresh ? await firstHeard(successor, backend) : from
    },
  },
  {
    name: 'the disk is full',
    not: ['firefox'],
    async run(scene) {
      const { backend, pause } = scene
      const member = anyTab(scene)
      await devtools(member, (session, origin) =>
        session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 }),
      )
      await backend.publish(50)
      await pause(500)
      await devtools(member, (session, origin) => session.send('Storage.overrideQuotaForOrigin', { origin }))
    },
  },
  {
    name: 'site data is cleared',
    not: ['firefox'],
    run: async (scene) =>
      devtools(anyTab(scene), (session, origin) =>
        session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' }),
      ),
  },
  {
    name: 'another version of the database is opened',
    blocks: true,
    async run(scene) {
      const opened = anyTab(scene).tab.page.evaluate(async () => {
        for (const { name } of await indexedDB.databases())
          await new Promise((resolve, reject) => {
            const newer = indexedDB.open(name!, 1_000)
            newer.onerror = () => reject(newer.error)
            newer.onsuccess = () => {
              newer.result.close()
              // Else no hub could ever open it again: what it knows is older.
              indexedDB.deleteDatabase(name!).onsuccess = resolve
            }
          })
      })
      // A worker that hangs since an earlier fault holds the database open for as long as its pages live.
      await Promise.race([opened, scene.pause(5_000)])
    },
  },
  {
    name: 'ten tabs come and go',
    async run({ user, backend }) {
      for (let round = 0; round < 5; round++) {
        const tabs = await Promise.all([0, 1].map(() => openTab(user.context(), backend.url)))
        await Promise.all(tabs.map((tab) => tab.close()))
      }
    },
  },
]
