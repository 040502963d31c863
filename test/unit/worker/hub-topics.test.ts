import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Follow, Types } from '../../../src/shared/events.ts'
import type { HubOptions } from '../../../src/shared/hub-options.ts'
import type { TopicOf } from '../../../worker/topics/topics.ts'
import { createVerifier } from '../../../worker/verify/index.ts'
import { openHub, openTab, type TestHub } from '../harness/hub.ts'
import { type FakeBody, type FakeRequest, sse } from '../harness/server.ts'
import { claimsOf, createSigner, VERIFY } from '../harness/signing.ts'
import { settle, until } from '../harness/turns.ts'

const TOPICS = { param: 'topic', separator: null, change: 'auto' as const, grace: 30_000, most: 100 }
const R8 = { 'stream-topics': '/topics?stream=1' }

const marker = (id: string | null, rev: number, topics: Record<string, number>) =>
  sse(id, JSON.stringify({ rev, topics }), 'stream.topics')
const of = (topic: string, id: string, type?: string) => `: topic ${topic}\n${sse(id, id, type)}`
const asked = ({ url }: FakeRequest, param = 'topic') => new URL(url).searchParams.getAll(param)
const putOf = ({ init }: FakeRequest) => JSON.parse(String(init.body))

type Tab = Awaited<ReturnType<typeof openTab>>

describe('a hub with topics', () => {
  let test: TestHub
  let others: TestHub[]
  let options: Partial<HubOptions>

  const begin = (over: { topicOf?: TopicOf } = {}) => {
    test = openHub(undefined, { ...over, createVerifier })
  }
  const follow = (topics: Record<string, Types>, types: Types = '*'): Follow => ({ types, topics })
  const open = (topics: Record<string, Types> = {}, on = test) =>
    openTab(on, { hello: { follow: follow(topics) }, options: { topics: TOPICS, ...options } })
  const next = () => test.platform.server.next()
  const waiting = () => test.platform.server.waiting()
  const advance = (ms: number) => test.platform.advance(ms)
  const ask = async (tab: Tab, topics: Record<string, Types>) => {
    await tab.hub.follow(follow(topics), [])
    await settle()
  }
  /** What a tab is told of topics, and the events that it gets, in order. */
  const told = (tab: Tab) =>
    tab.batches.flatMap(({ reset, topics, events }) => [
      ...(reset === null ? [] : [`reset ${reset}`]),
      ...Object.entries(topics ?? {})
        .filter(([, { is }]) => is !== 'left')
        .map(([name, what]) => `${name} ${what.is}${'confirmed' in what && !what.confirmed ? '?' : ''}`),
      ...events.map(({ type, topic, data, id }) => {
        if (type !== '') return topic === null ? id : `${topic}:${id}`
        const what = JSON.parse(data)
        return `${topic} ${what.is}${what.confirmed === false ? '?' : ''}`
      }),
    ])
  const hears = async (tab: Tab, ...what: string[]) => {
    await until(() => told(tab).length >= what.length, `${what.join(', ')}; so far ${told(tab).join(', ')}`)
    expect(told(tab)).toEqual(what)
  }
  /** A tab whose stream stands, with these topics granted by the first block. */
  const stands = async (topics: Record<string, Types>, headers: Record<string, string> = R8) => {
    const tab = await open(topics)
    const request = await next()
    const body = request.stream(headers)
    body.push(marker('0', 0, Object.fromEntries(Object.keys(topics).map((name) => [name, 200]))))
    const names = Object.keys(topics).sort()
    await until(() => names.every((name) => told(tab).includes(`${name} live`)))
    return { tab, request, body }
  }

  beforeEach(() => {
    options = { heartbeat: { timeout: 10_000_000, misses: 2 } }
    others = []
    begin()
  })
  afterEach(async () => {
    for (const each of [test, ...others]) await each.close()
  })

  describe('R7 the request', () => {
    it('asks for the topics of all tabs, sorted and encoded', async () => {
      await open({ 'chat/2': '*', lobby: [] })
      const request = await next()
      expect(asked(request)).toEqual(['chat/2', 'lobby'])
      expect(request.url).toContain('topic=chat%2F2&topic=lobby')
    })

    it('asks for them in one parameter where there is a separator', async () => {
      options = { ...options, topics: { ...TOPICS, param: 'channels', separator: ',' } }
      await open({ a: '*', b: '*' })
      expect(asked(await next(), 'channels')).toEqual(['a,b'])
    })

    it('is the plain one without a topic', async () => {
      await open()
      expect(new URL((await next()).url).search).toBe('')
    })

    it('waits for a topic where it asks for matches: a Mercure hub answers 400 to none', async () => {
      options = { ...options, topics: { ...TOPICS, param: 'match' } }
      const tab = await open()
      await advance(5_000)
      expect(waiting()).toBe(0)
      expect(tab.statuses.at(-1)?.state ?? 'idle').toBe('idle')
      await ask(tab, { a: '*' })
      expect(asked(await next(), 'match')).toEqual(['a'])
    })
  })

  describe('TO3 live is said', () => {
    it('once the server says so, with the id at which its word stands', async () => {
      const { tab, body } = await stands({ a: '*' })
      body.push(of('a', '1'))
      await hears(tab, 'a live', 'a:1')
      body.end()
      await advance(2_000)
      expect((await next()).headers.get('last-event-id')).toBe('1')
    })

    it('by the id of the marker alone, if nothing else has come', async () => {
      const { body } = await stands({ a: '*' })
      body.push(marker('7', 0, {}))
      await settle()
      body.end()
      await advance(2_000)
      expect((await next()).headers.get('last-event-id')).toBe('7')
    })

    it('unconfirmed before the first block of a server that knows nothing of R7', async () => {
      const tab = await open({ a: '*' })
      const body = (await next()).stream()
      body.push(`: hi\n\n${of('a', '1')}${sse('2', '2')}`)
      await hears(tab, 'a live?', 'a:1', '2')
    })

    it('unconfirmed after 1 s of a server that says nothing at all', async () => {
      const tab = await open({ a: '*' })
      ;(await next()).stream()
      await advance(999)
      expect(told(tab)).toEqual([])
      await advance(1)
      await hears(tab, 'a live?')
    })

    it('and confirmed by a marker that comes late', async () => {
      const tab = await open({ a: '*' })
      const body = (await next()).stream()
      await advance(1_000)
      body.push(marker('1', 0, { a: 200 }))
      await hears(tab, 'a live?', 'a live')
    })
  })

  describe('TO4 a refusal', () => {
    it('ends that topic alone', async () => {
      const tab = await open({ a: '*', b: '*' })
      const body = (await next()).stream(R8)
      body.push(marker('0', 0, { a: 200, b: 403 }) + of('b', '1') + of('a', '2'))
      await hears(tab, 'a live', 'b refused', 'a:2')
      const refused = tab.batches.flatMap(({ events }) => events).find(({ topic }) => topic === 'b')!
      expect(JSON.parse(refused.data).error).toMatchObject({
        kind: 'topic',
        status: 403,
        topic: 'b',
        retryable: false,
      })
    })

    it('may come at any time, and be taken back', async () => {
      const { tab, body } = await stands({ a: '*' })
      for (const [id, status] of [
        ['1', 403],
        ['2', 403],
        ['3', 200],
      ] as const) {
        body.push(marker(id, 0, { a: status }))
        await settle()
      }
      await hears(tab, 'a live', 'a refused', 'a live')
    })

    it('is asked about again by a tab that joins 30 s later, and not before', async () => {
      const { body } = await stands({ a: '*' })
      body.push(marker('1', 0, { a: 403 }))
      await settle()
      await advance(29_000)
      const early = await open({ a: '*' })
      await hears(early, 'a refused')
      await advance(1_001)
      expect(waiting()).toBe(0)
      const late = await open({ a: '*' })
      const put = await next()
      expect(putOf(put)).toEqual({ rev: 1, topics: ['a'] })
      expect(told(late)).toEqual([])
      put.answer(202)
      body.push(marker('2', 1, { a: 200 }))
      await hears(late, 'a left', 'a live')
      await hears(early, 'a refused', 'a left', 'a live')
    })

    it('is said here of what does not fit into a request', async () => {
      options = { ...options, topics: { ...TOPICS, most: 2 } }
      const tab = await open({ a: '*', c: '*', b: '*' })
      const request = await next()
      expect(asked(request)).toEqual(['a', 'c'])
      await until(() => told(tab).includes('b refused'))
      const error = JSON.parse(tab.batches.flatMap(({ events }) => events)[0]!.data).error
      expect(error).toMatchObject({ kind: 'limit', topic: 'b' })
      request.stream(R8).push(marker('0', 0, { a: 200, c: 200 }))
      await ask(tab, { c: '*', b: '*' })
      await advance(30_000)
      expect(putOf(await next()).topics).toEqual(['b', 'c'])
    })

    it('for now is asked about again, ever more seldom', async () => {
      const { body } = await stands({ a: '*' })
      body.push(marker('1', 0, { a: 503 }))
      await settle()
      const pauses: number[] = []
      for (let rev = 1; rev <= 3; rev++) {
        let ms = 0
        for (; waiting() === 0; ms += 100) await advance(100)
        pauses.push(ms)
        const put = await next()
        put.answer(202)
        body.push(marker(`${rev + 1}`, rev, { a: 503 }))
        await settle()
      }
      expect(pauses).toEqual([1_000, 2_000, 4_000])
    })
  })

  describe('R8 the set changes', () => {
    it('TO5 by one PUT for all joins within 20 ms, and without another stream', async () => {
      const { tab, request, body } = await stands({ a: '*' })
      for (let join = 1; join <= 10; join++) {
        await ask(
          tab,
          Object.fromEntries(['a', 'b', 'c', 'd', 'e'].slice(0, 1 + (join % 5)).map((name) => [name, '*'])),
        )
        await advance(1)
      }
      await advance(30)
      const put = await next()
      expect(put.init).toMatchObject({ method: 'PUT', credentials: 'same-origin', redirect: 'error' })
      expect(put.url).toBe('https://app.test/topics?stream=1')
      expect(putOf(put)).toEqual({ rev: 1, topics: ['a', 'b', 'c', 'd', 'e'] })
      expect(put.headers.get('stream-client')).toBe(request.headers.get('stream-client'))
      expect(put.headers.get('content-type')).toBe('application/json')
      put.answer(202)
      body.push(marker('1', 1, { b: 200, c: 200, d: 200, e: 200 }))
      await advance(1_000)
      expect(waiting()).toBe(0)
      expect(request.aborted()).toBe(false)
    })

    it('with one PUT at a time, 0.25 s apart', async () => {
      const { tab, body } = await stands({ a: '*' })
      await ask(tab, { a: '*', b: '*' })
      await advance(20)
      const first = await next()
      await ask(tab, { a: '*', b: '*', c: '*' })
      await advance(1_000)
      expect(waiting()).toBe(0)
      first.answer(202)
      body.push(marker('1', 1, { b: 200 }))
      await settle()
      expect(putOf(await next())).toEqual({ rev: 2, topics: ['a', 'b', 'c'] })
    })

    it('TO6 join, leave, join in one task sends nothing', async () => {
      const { tab } = await stands({ a: '*' })
      void tab.hub.follow(follow({}), [])
      void tab.hub.follow(follow({ a: '*' }), [])
      await advance(60_000)
      expect(waiting()).toBe(0)
    })

    it('TO1 a topic that nobody wants is kept for its grace, and its coverage ends before the request', async () => {
      const { tab, body } = await stands({ a: '*', b: '*' })
      await ask(tab, { a: '*' })
      await advance(29_999)
      expect(waiting()).toBe(0)
      const late = await open({ b: '*' })
      await hears(late, 'b live')
      await ask(late, {})
      await advance(30_001)
      const put = await next()
      expect(putOf(put)).toEqual({ rev: 1, topics: ['a'] })
      body.push(of('b', '1') + of('a', '2'))
      await hears(tab, 'a live', 'b live', 'a:2')
      expect((await tab.hub.inspect()).log.topics).toMatchObject({ a: { is: 'live' } })
      expect((await tab.hub.metrics()).unaskedDropped).toBe(1)
    })

    it('TO1 a tab that dies is one that wants nothing any more', async () => {
      const { body } = await stands({ a: '*' })
      const other = await open({ b: '*' })
      await advance(20)
      const put = await next()
      expect(putOf(put)).toMatchObject({ topics: ['a', 'b'] })
      put.answer(202)
      body.push(marker('1', 1, { b: 200 }))
      other.die()
      await advance(35_000)
      expect(putOf(await next())).toMatchObject({ topics: ['a'] })
    })

    it.each([
      ['403', (put: FakeRequest) => put.answer(403)],
      ['404', (put: FakeRequest) => put.answer(404)],
      ['409', (put: FakeRequest) => put.answer(409)],
      ['no answer in 5 s', () => advance(5_000)],
      [
        'no word of it in the stream in 10 s',
        async (put: FakeRequest) => {
          put.answer(202)
          await advance(10_001)
        },
      ],
    ])('by another request for the stream, where the PUT comes to %s', async (_, answer) => {
      const { tab, request } = await stands({ a: '*' })
      await ask(tab, { a: '*', b: '*' })
      await advance(20)
      await answer(await next())
      await advance(200)
      const again = await next()
      expect(request.aborted()).toBe(true)
      expect(asked(again)).toEqual(['a', 'b'])
      expect(again.headers.get('last-event-id')).toBe('0')
    })

    it('again where the server fails once, and by another request where it fails twice', async () => {
      const { tab } = await stands({ a: '*' })
      await ask(tab, { a: '*', b: '*' })
      await advance(20)
      ;(await next()).answer(500)
      await advance(250)
      const second = await next()
      expect(putOf(second).rev).toBe(2)
      second.fail()
      await advance(200)
      expect(asked(await next())).toEqual(['a', 'b'])
    })

    it('when the server says so, after 429', async () => {
      const { tab } = await stands({ a: '*' })
      await ask(tab, { a: '*', b: '*' })
      await advance(20)
      ;(await next()).answer(429, { 'retry-after': '7' })
      await advance(6_900)
      expect(waiting()).toBe(0)
      await advance(101)
      expect(putOf(await next())).toEqual({ rev: 2, topics: ['a', 'b'] })
    })

    it('A2 with another token after 401, by another request', async () => {
      options = { ...options, auth: { exchange: null } }
      const tab = await open({ a: '*' })
      const request = await next()
      request.stream(R8).push(marker('0', 0, { a: 200 }))
      await hears(tab, 'a live')
      await ask(tab, { a: '*', b: '*' })
      await advance(20)
      const put = await next()
      expect(put.headers.get('authorization')).toBe(request.headers.get('authorization'))
      put.answer(401)
      await advance(200)
      expect(request.aborted()).toBe(true)
    })

    it('A6 at no other origin: a credential would go along', async () => {
      const { tab, request } = await stands({ a: '*' }, { 'stream-topics': 'https://evil.test/topics' })
      await ask(tab, { a: '*', b: '*' })
      await advance(200)
      expect((await next()).url).toContain('https://app.test/stream?')
      expect(request.aborted()).toBe(true)
    })
  })

  describe('R7 the set changes without R8', () => {
    it('by another request, which goes on from where the stream is', async () => {
      const { tab, request, body } = await stands({ a: '*' }, {})
      body.push(of('a', '5'))
      await hears(tab, 'a live', 'a:5')
      await ask(tab, { a: '*', b: '*' })
      await advance(200)
      const again = await next()
      expect(request.aborted()).toBe(true)
      expect([asked(again), again.headers.get('last-event-id')]).toEqual([['a', 'b'], '5'])
      again.stream().push(marker('5', 0, { a: 200, b: 200 }) + of('b', '6') + of('a', '7'))
      await hears(tab, 'a live', 'a:5', 'b live', 'b:6', 'a:7')
    })

    it('at most every 2 s, ever more seldom under churn', async () => {
      const { tab } = await stands({ a: '*' }, {})
      const pauses: number[] = []
      for (let name = 1; name <= 6; name++) {
        await ask(tab, { a: '*', [`b${name}`]: '*' })
        let ms = 0
        for (; waiting() === 0; ms += 100) await advance(100)
        pauses.push(ms)
        ;(await next()).stream().push(marker('0', 0, {}))
        await settle()
      }
      expect(pauses[0]).toBeLessThan(400)
      expect(pauses.slice(1).map((ms) => Math.round(ms / 1_000))).toEqual([2, 4, 8, 16, 30])
    })

    it('TO1 to be rid of a topic only 60 s after its grace', async () => {
      const { tab } = await stands({ a: '*', b: '*' }, {})
      await ask(tab, { a: '*' })
      await advance(89_000)
      expect(waiting()).toBe(0)
      await advance(1_200)
      expect(asked(await next())).toEqual(['a'])
    })
  })

  describe('TO2 continuity of one topic', () => {
    it('is lost where the server says 410: the topic has a reset of its own', async () => {
      const { tab, body } = await stands({ a: '*', b: '*' })
      body.push(marker('9', 0, { a: 410 }) + of('a', '10'))
      await hears(tab, 'a live', 'b live', 'a reset', 'a:10')
    })

    it('is not believed of a topic that left while the word of its join was on its way', async () => {
      options = { ...options, topics: { ...TOPICS, grace: 200 } }
      const { tab, body } = await stands({ a: '*' })
      await ask(tab, { a: '*', b: '*' })
      await advance(20)
      const join = await next()
      join.answer(202)
      await ask(tab, { a: '*' })
      await advance(1_000)
      body.push(marker('1', 1, { a: 200, b: 200 }))
      const leave = await next()
      expect(putOf(leave)).toEqual({ rev: 2, topics: ['a'] })
      const late = await open({ b: '*' })
      leave.answer(202)
      body.push(marker('1', 2, { a: 200 }))
      await advance(250)
      const again = await next()
      expect(putOf(again)).toEqual({ rev: 3, topics: ['a', 'b'] })
      expect(told(late)).toEqual([])
      again.answer(202)
      // The server did not send what b had before.
      body.push(marker('9', 3, { a: 200, b: 200 }) + of('b', '10'))
      await hears(late, 'b live', 'b:10')
    })

    it('ends with a right that is withdrawn while a PUT of another topic is on its way', async () => {
      const { tab, body } = await stands({ a: '*' })
      body.push(of('a', '1'))
      await ask(tab, { a: '*', b: '*' })
      await advance(20)
      const put = await next()
      // The server did not send what a had in between.
      body.push(marker('2', 0, { a: 403 }) + marker('4', 0, { a: 200 }) + of('a', '5'))
      await settle()
      put.answer(202)
      body.push(marker('5', 1, { a: 200, b: 200 }))
      await hears(tab, 'a live', 'a:1', 'a refused', 'a live', 'a:5', 'b live')
    })

    it.each([
      ['withdrawn and given back', [403, 200], ['a refused', 'a live']],
      ['given back and withdrawn again', [403, 200, 403], ['a refused', 'a live', 'a refused']],
    ])('ends and begins anew with a right that is %s within one chunk', async (_, statuses, then) => {
      const { tab, body } = await stands({ a: '*' })
      body.push(statuses.map((status, at) => marker(`${at + 1}`, 0, { a: status })).join(''))
      await hears(tab, 'a live', ...then)
    })

    it('goes on over a cut', async () => {
      const { tab, body } = await stands({ a: '*' })
      body.push(of('a', '1'))
      await hears(tab, 'a live', 'a:1')
      body.end()
      await advance(2_000)
      const again = await next()
      expect([asked(again), again.headers.get('last-event-id')]).toEqual([['a'], '1'])
      again.stream(R8).push(marker('1', 0, { a: 200 }) + of('a', '2'))
      await hears(tab, 'a live', 'a:1', 'a:2')
    })

    it('goes on in the next hub, which asks for what the log has before it knows what its tabs want', async () => {
      const { tab, body } = await stands({ a: '*' })
      body.push(of('a', '1'))
      await hears(tab, 'a live', 'a:1')
      await until(async () => (await tab.hub.inspect()).log.committed === 2)
      test.kill()
      const heir = openHub(test.platform)
      others.push(heir)
      await open({}, heir)
      await advance(200)
      const request = await next()
      expect([asked(request), request.headers.get('last-event-id')]).toEqual([['a'], '1'])
    })
  })

  describe('TO1 the set is that of all hubs', () => {
    it('a follower says at once what its tabs want, and its topics end with it', async () => {
      const { tab, body } = await stands({ a: '*' })
      const follower = openHub(test.platform)
      others.push(follower)
      const theirs = await open({}, follower)
      await advance(1_000)
      await ask(theirs, { b: '*' })
      await advance(20)
      const put = await next()
      expect(putOf(put)).toEqual({ rev: 1, topics: ['a', 'b'] })
      put.answer(202)
      body.push(marker('1', 1, { b: 200 }) + of('b', '2'))
      await hears(theirs, 'b live', 'b:2')
      await hears(tab, 'a live')
      follower.kill()
      await advance(36_000)
      expect(putOf(await next()).topics).toEqual(['a'])
    })

    it('a tab of a follower joins what the leader has already', async () => {
      const { body } = await stands({ a: '*' })
      const follower = openHub(test.platform)
      others.push(follower)
      const theirs = await open({ a: '*' }, follower)
      await advance(1_000)
      body.push(of('a', '1'))
      await hears(theirs, 'a live', 'a:1')
      expect(waiting()).toBe(0)
    })
  })

  it('TO7 an event of a topic that was not asked for is dropped, and the position moves', async () => {
    const { tab, body } = await stands({ a: '*' })
    body.push(of('b', '1') + of('a', '2') + of('b', '3'))
    await hears(tab, 'a live', 'a:2')
    body.end()
    await advance(2_000)
    expect((await next()).headers.get('last-event-id')).toBe('3')
  })

  it('Mercure: `topicOf` names the topic where the server does not, and what it throws is none', async () => {
    begin({ topicOf: ({ data }) => JSON.parse(data)['@id'] })
    const tab = await open({ '/books/1': '*' })
    const body = (await next()).stream()
    const book = (id: string, at: string) => sse(id, JSON.stringify({ '@id': at }))
    body.push(book('1', '/books/1') + book('2', '/books/2') + sse('3', 'no JSON') + sse('4', '{}'))
    await hears(tab, '/books/1 live?', '/books/1:1', '3', '4')
  })

  it('TO8 a signed event counts under the topic that was signed with it alone', async () => {
    const signer = await createSigner('key-1')
    options = { ...options, verify: VERIFY, maxEventSize: 100_000 }
    test.platform.server.handle(
      (request) => request.url === VERIFY.jwks && request.json({ keys: [signer.jwk] }),
    )
    const tab = await open({ a: '*', b: '*' })
    const request = await next()
    const body: FakeBody = request.stream(R8)
    const alarm = async (id: string, topic: string | null, claims: object) =>
      `${topic === null ? '' : `: topic ${topic}\n`}${sse(id, await signer.sign(claimsOf(id, test.platform.now(), { ...claims })), 'alarm')}`
    body.push(
      [
        marker('0', 0, { a: 200, b: 200 }),
        await alarm('1', 'a', { top: 'a' }),
        await alarm('2', 'b', { top: 'a' }),
        await alarm('3', 'a', {}),
        await alarm('4', 'a', { top: 'a', sub: undefined }),
        await alarm('5', null, { top: 'a', sub: undefined }),
        await alarm('6', null, { top: 'a' }),
        await alarm('7', null, {}),
      ].join(''),
    )
    await hears(tab, 'a live', 'b live', 'a:1', 'a:4', '6', '7')
  })

  it('TO9 a sign-out ends a PUT under way, and the next user of the key finds nothing', async () => {
    const { tab } = await stands({ a: '*' })
    await ask(tab, { a: '*', b: '*' })
    await advance(20)
    const put = await next()
    const done = tab.hub.signOut()
    await advance(5_000)
    await done
    expect(put.aborted()).toBe(true)
    const fresh = await open({})
    expect(asked(await next())).toEqual([])
    expect((await fresh.hub.inspect()).log.topics).toEqual({})
  })
})
