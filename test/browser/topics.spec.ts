import type { TopicServer, TopicServerOptions } from '../topics/topic-server.ts'
import { createTopicServer } from '../topics/topic-server.ts'
import type { StartOptions } from './app/record.ts'
import { test as base, eventually, expect, range } from './cases/fixtures.ts'
import type { Tab } from './tab.ts'

interface Topics {
  /** A server with topics, and tabs that are open at it. */
  start: (
    server?: TopicServerOptions,
    options?: StartOptions & { topics?: object },
  ) => Promise<{ server: TopicServer; open: () => Promise<Tab> }>
}

const test = base.extend<Topics>({
  start: async ({ serve, visit }, use) => {
    const servers: TopicServer[] = []
    await use(async (of, { topics = {}, ...options } = {}) => {
      const server = createTopicServer(of)
      servers.push(server)
      const odd = await serve(server.answers)
      return {
        server,
        async open() {
          const tab = await visit(odd, { ...options, connect: { topics, ...options.connect } })
          await tab.until('open')
          return tab
        },
      }
    })
    for (const server of servers) server.close()
  },
})

const join = (tab: Tab, ...names: string[]): Promise<number[]> =>
  tab.page.evaluate((given) => given.map((name) => window.joinTopic(name)), names)
const leave = (tab: Tab, ...lives: number[]) =>
  tab.page.evaluate((given) => {
    for (const life of given) window.leaveTopic(life)
  }, lives)
const toldOf = (tab: Tab, life: number) =>
  tab.page.evaluate((at) => window.lives[at]!.told.filter((each) => !('count' in each)), life)
const stateOf = async (tab: Tab, life: number) =>
  (await toldOf(tab, life)).flatMap((each) => ('state' in each ? [each] : [])).at(-1)?.state ?? 'joining'
const heard = async (tab: Tab, life: number) =>
  (await toldOf(tab, life)).flatMap((each) => ('n' in each ? [each.n] : []))
const resets = async (tab: Tab, life: number) =>
  (await toldOf(tab, life)).flatMap((each) => ('reset' in each ? [each.reset] : []))
const until = (tab: Tab, life: number, state: string) =>
  eventually(() => stateOf(tab, life), { timeout: 45_000, message: `the topic is ${state}` }).toBe(state)
const untilHeard = (tab: Tab, life: number, numbers: number[]) =>
  eventually(() => heard(tab, life), { timeout: 30_000, message: 'the events of the topic' }).toEqual(numbers)
/** PUTs whose set the server has taken. */
const taken = ({ seen }: TopicServer) => seen.puts.filter(({ status }) => status === 202)

for (const host of ['shared-worker', 'worker'] as const) {
  test(`TO1 the server is asked for the union over all tabs, on one stream, in a ${host}`, async ({
    start,
  }) => {
    const { server, open } = await start({}, { host, topics: { grace: 300 } })
    const [one, two] = [await open(), await open()]
    const [a, b] = await join(one, 'a', 'b')
    const [b2, c] = await join(two, 'b', 'c')
    for (const [tab, life] of [
      [one, a],
      [one, b],
      [two, b2],
      [two, c],
    ] as const)
      await until(tab, life!, 'live')
    expect(server.joined()).toEqual(['a', 'b', 'c'])
    for (const topic of ['a', 'b', 'c', 'd']) server.publish(topic)
    await untilHeard(one, a!, [1])
    await untilHeard(one, b!, [1])
    await untilHeard(two, b2!, [1])
    await untilHeard(two, c!, [1])
    await leave(two, b2!, c!)
    await eventually(() => server.joined(), { timeout: 30_000, message: 'what is left' }).toEqual(['a', 'b'])
    server.publish('b')
    await untilHeard(one, b!, [1, 2])
    expect(await heard(two, b2!)).toEqual([1])
    expect(server.seen).toMatchObject({ peak: 1, replaced: 0 })
  })

  test(`TO2 a hub that dies costs no topic an event, in a ${host}`, async ({ start }) => {
    const { server, open } = await start({}, { host })
    const tabs = [await open(), await open()]
    const lives = await Promise.all(tabs.map((tab) => join(tab, 'a', 'b')))
    for (const [at, tab] of tabs.entries()) for (const life of lives[at]!) await until(tab, life, 'live')
    for (let round = 0; round < 3; round++) {
      server.publish('a')
      server.publish('b')
      await tabs[0]!.harm('close')
      server.publish('a')
      server.publish('b')
      for (const [at, tab] of tabs.entries())
        for (const life of lives[at]!) await untilHeard(tab, life, range(1, 2 * round + 2))
    }
    for (const [at, tab] of tabs.entries())
      for (const life of lives[at]!) expect(await resets(tab, life)).toEqual([])
    expect(server.seen.peak).toBe(1)
  })
}

test('TO5 ten joins within a task are one PUT, and reopen nothing', async ({ start }) => {
  const { server, open } = await start()
  const tab = await open()
  const { opened } = server.seen
  const names = range(1, 10).map((n) => `topic/${n}`)
  const lives = await join(tab, ...names)
  for (const life of lives) await until(tab, life, 'live')
  expect(taken(server).map(({ topics }) => topics)).toEqual([[...names].sort()])
  for (const name of names) server.publish(name)
  for (const life of lives) await untilHeard(tab, life, [1])
  expect(server.seen.opened).toBe(opened)
})

test('TO5 without R8 joins are one reopening', async ({ start }) => {
  const { server, open } = await start({ puts: false })
  const tab = await open()
  const { opened } = server.seen
  const lives = await join(tab, 'a', 'b', 'c')
  for (const life of lives) await until(tab, life, 'live')
  expect(server.seen.opened).toBe(opened + 1)
  expect(server.joined()).toEqual(['a', 'b', 'c'])
  server.publish('b')
  await untilHeard(tab, lives[1]!, [1])
})

test('TO3 a tab that comes later is live at once, from the log, without a word to the server', async ({
  start,
}) => {
  const { server, open } = await start()
  const first = await open()
  const [life] = await join(first, 'a')
  await until(first, life!, 'live')
  server.publish('a')
  const requests = server.seen.puts.length + server.seen.opened
  const late = await open()
  const [lateLife] = await join(late, 'a')
  await until(late, lateLife!, 'live')
  server.publish('a')
  await untilHeard(first, life!, [1, 2])
  await untilHeard(late, lateLife!, [2])
  expect(server.seen.puts.length + server.seen.opened).toBe(requests)
})

test('TO4 a refusal ends its topic alone, and a right that comes back makes it live again', async ({
  start,
}) => {
  const { server, open } = await start()
  server.refuse('b')
  const tab = await open()
  const [a, b] = await join(tab, 'a', 'b')
  await until(tab, a!, 'live')
  await until(tab, b!, 'refused')
  expect(await tab.page.evaluate((at) => window.lives[at]!.refused, b!)).toEqual({
    kind: 'topic',
    status: 403,
  })
  const { errors } = await tab.record()
  expect(errors.map(({ kind, status }) => [kind, status])).toEqual([['topic', 403]])
  server.publish('a')
  await untilHeard(tab, a!, [1])
  server.revoke('a')
  await until(tab, a!, 'refused')
  server.revoke('b', false)
  server.revoke('a', false)
  await until(tab, a!, 'live')
  await until(tab, b!, 'live')
  server.publish('b')
  server.publish('a')
  await untilHeard(tab, a!, [1, 2])
  await untilHeard(tab, b!, [1])
  expect([await resets(tab, a!), await resets(tab, b!)]).toEqual([['rejoined'], []])
  expect((await tab.status()).state).toBe('open')
  expect(server.seen.opened).toBe(1)
})

test('TO2 the lost history of one topic is a reset of that topic, and of the stream one of all', async ({
  start,
}) => {
  const { server, open } = await start()
  const tab = await open()
  const [a, b] = await join(tab, 'a', 'b')
  await until(tab, a!, 'live')
  await until(tab, b!, 'live')
  server.publish('a')
  server.publish('b')
  await untilHeard(tab, b!, [1])
  server.end()
  for (const topic of ['a', 'b']) server.publish(topic)
  server.forget('a')
  await eventually(() => resets(tab, a!), { timeout: 30_000, message: 'a reset of one topic' }).toEqual([
    'server',
  ])
  server.publish('a')
  await untilHeard(tab, a!, [1, 3])
  await untilHeard(tab, b!, [1, 2])
  expect([await resets(tab, b!), (await tab.record()).resets]).toEqual([[], []])

  server.wipe()
  await eventually(() => resets(tab, b!), { timeout: 30_000, message: 'a reset of all' }).toEqual(['server'])
  expect(await resets(tab, a!)).toEqual(['server', 'server'])
  server.publish('b')
  await untilHeard(tab, b!, [1, 2, 3])
  expect((await tab.record()).resets.map(({ reason }) => reason)).toEqual(['server'])
})

test('TO3 a server that says nothing of topics: live, and not confirmed', async ({ start }) => {
  const { server, open } = await start({ says: false, puts: false })
  const tab = await open()
  const [life] = await join(tab, 'a')
  await until(tab, life!, 'live')
  expect((await toldOf(tab, life!)).at(-1)).toEqual({ state: 'live', confirmed: false })
  server.publish('a')
  await untilHeard(tab, life!, [1])
})

test('TO6 join, leave, join in one task sends nothing, and a topic is heard by its handles alone', async ({
  start,
}) => {
  const { server, open } = await start()
  const tab = await open()
  const [life] = await join(tab, 'a')
  await until(tab, life!, 'live')
  const requests = server.seen.puts.length + server.seen.opened
  const [again] = await tab.page.evaluate((at) => {
    window.leaveTopic(at)
    const strict = window.joinTopic('a')
    window.leaveTopic(strict)
    return [window.joinTopic('a')]
  }, life!)
  expect(await stateOf(tab, again!)).toBe('live')
  server.publish('a')
  server.publish(null)
  await untilHeard(tab, again!, [1])
  expect(await heard(tab, life!)).toEqual([])
  await eventually(() => tab.numbers(), { message: 'the event without a topic' }).toEqual([1])
  expect(server.seen.puts.length + server.seen.opened).toBe(requests)
})

test('TO7 an event of a topic that was not asked for is dropped, and the position moves', async ({
  start,
}) => {
  const { server, open } = await start()
  const tab = await open()
  const [life] = await join(tab, 'a')
  await until(tab, life!, 'live')
  server.write(': topic other\nid: 1-0\nevent: tick\ndata: {"n":7}\n\n')
  server.publish('a')
  await untilHeard(tab, life!, [1])
  expect((await tab.metrics()).unaskedDropped).toBe(1)
  const { log, sessions } = await tab.inspect({ heads: { last: 10 } })
  expect(Object.keys(log.topics)).toEqual(['a'])
  expect(sessions[0]!.follows).toEqual({ types: '*', topics: { a: '*' } })
})

test('I3 the inspector shows who wants what, since when it is covered, and what was refused', async ({
  start,
}) => {
  const { server, open } = await start()
  server.refuse('b')
  const tab = await open()
  const [a, b] = await join(tab, 'a', 'b')
  await until(tab, a!, 'live')
  await until(tab, b!, 'refused')
  await tab.page.evaluate(() => window.stream.openInspector())
  const root = tab.page.locator('tabstream-inspector')
  await root.getByRole('tab', { name: 'Topics' }).click()
  const rows = root.getByRole('tabpanel', { name: 'Topics' }).getByRole('row')
  await expect(rows).toHaveCount(3)
  const { tab: own } = await tab.inspect()
  await expect(rows.nth(1)).toContainText(['a', 'live'].join(''))
  await expect(rows.nth(1)).toContainText(`${own.slice(0, 8)} (everything)`)
  await expect(rows.nth(2)).toContainText('refused')
  await root.getByRole('tab', { name: 'Log' }).click()
  await expect(root.getByRole('option').filter({ hasText: '(live) · a' })).toHaveCount(1)
})
