import { describe, expect, it } from 'vitest'
import { type ConnectOptions, plainFrom, toHubOptions } from '../../../src/options.ts'

const BASE = 'https://app.test/'
const convert = (options: unknown, url = '/stream') => toHubOptions(url, options as ConnectOptions, BASE)
const getAccessToken = () => 'very-secret'

describe('options', () => {
  it('have defaults, as their docs say', () => {
    expect(convert({ user: 'ann' })).toEqual({
      url: 'https://app.test/stream',
      user: 'ann',
      auth: null,
      withCredentials: false,
      headers: {},
      resume: 'lenient',
      heartbeat: null,
      lastEventId: null,
      log: { events: 5_000, bytes: 20 * 1024 * 1024, age: 24 * 3_600_000, newest: 200 },
      dedupe: true,
      maxEventSize: 1024 * 1024,
      coalesce: 16,
      hidden: { every: 1_000, release: false },
      verify: null,
      topics: null,
    })
  })

  it('pass on what is set, each part by itself', () => {
    expect(
      convert({
        user: null,
        auth: { getAccessToken, exchange: '/token' },
        withCredentials: true,
        headers: { 'X-Tenant': 'acme' },
        resume: 'strict',
        heartbeat: { timeout: 5_000 },
        lastEventId: { query: 'since' },
        log: { age: 1 },
        dedupe: false,
        maxEventSize: 7,
        coalesce: 0,
        hidden: { release: 10_000 },
        verify: { jwks: '/keys', audience: 'app', types: ['b', 'a', 'b'] },
        topics: { param: 'match', grace: 0 },
      }),
    ).toEqual({
      url: 'https://app.test/stream',
      user: null,
      auth: { exchange: 'https://app.test/token' },
      withCredentials: true,
      headers: { 'x-tenant': 'acme' },
      resume: 'strict',
      heartbeat: { timeout: 5_000, misses: 2 },
      lastEventId: { query: 'since' },
      log: { events: 5_000, bytes: 20 * 1024 * 1024, age: 1, newest: 200 },
      dedupe: false,
      maxEventSize: 7,
      coalesce: 0,
      hidden: { every: 1_000, release: 10_000 },
      verify: { jwks: 'https://app.test/keys', audience: 'app', types: ['a', 'b'] },
      topics: { param: 'match', separator: null, change: 'auto', grace: 0, most: 100 },
    })
  })

  it('A1 headers that no request can carry are refused, and not quoted', () => {
    const headers = { authorization: 'very-secret\n' + 'x: y' }
    expect(() => convert({ user: 'ann', headers })).toThrow(/headers/)
    expect(() => convert({ user: 'ann', headers })).not.toThrow(/secret/)
  })

  it.each([
    [{}, /`verify` must be/],
    [{ jwks: '/keys', audience: 'app' }, /`verify` must be/],
    [{ jwks: '/keys', audience: 'app', types: [] }, /`verify` must be/],
    [{ jwks: '/keys', audience: '', types: ['a'] }, /`verify` must be/],
    [{ jwks: 'http://keys.test/', audience: 'app', types: ['a'] }, /verify.jwks.*https/],
  ])('A5 `verify` is whole or not there: %j', (verify, words) => {
    expect(() => convert({ user: 'ann', verify })).toThrow(words)
  })

  it('R7 topics have defaults, as their docs say', () => {
    expect(convert({ user: 'ann', topics: {} }).topics).toEqual({
      param: 'topic',
      separator: null,
      change: 'auto',
      grace: 30_000,
      most: 100,
    })
  })

  it.each([
    [{ param: '' }, /topics.param/],
    [{ param: 7 }, /topics.param/],
    [{ param: 'access_token' }, /topics.param/],
    [{ param: 'tenant' }, /topics.param/],
    [{ separator: '' }, /topics.separator/],
    [{ separator: true }, /topics.separator/],
    [{ change: 'put' }, /topics.change/],
    [{ grace: -1 }, /topics.grace/],
    [{ grace: Number.NaN }, /topics.grace/],
    [{ most: 0 }, /topics.most/],
    [{ most: 1.5 }, /topics.most/],
    [{ most: 101 }, /topics.most/],
    [{ seperator: ',' }, /no option `topics.seperator`. Is it `topics.separator`/],
  ])('R7 topics as %j are a mistake', (topics, words) => {
    expect(() => convert({ user: 'ann', topics }, '/stream?tenant=acme')).toThrow(words)
  })

  it.each([null, true, 7])('R7 `topics` is an object: %j is a mistake', (topics) => {
    expect(() => convert({ user: 'ann', topics })).toThrow(/`topics`/)
  })

  it.each([-1, Number.NaN, 'soon'])('`coalesce` is 0 or more: %j', (coalesce) => {
    expect(() => convert({ user: 'ann', coalesce })).toThrow(/`coalesce`/)
  })

  it.each([
    [{ every: -1 }, /`hidden.every`/],
    [{ every: Number.NaN }, /`hidden.every`/],
    [{ every: 'soon' }, /`hidden.every`/],
    [{ release: 9_999 }, /`hidden.release`.*10,000/],
    [{ release: 0 }, /`hidden.release`/],
    [{ release: true }, /`hidden.release`/],
    [{ release: Number.NaN }, /`hidden.release`/],
    [{ after: 1_000 }, /no option `hidden.after`/],
    [1_000, /`hidden`.*object/],
    [false, /`hidden`.*object/],
    [null, /`hidden`.*object/],
  ])('H1, H2 `hidden` must make sense: %j', (hidden, words) => {
    expect(() => convert({ user: 'ann', hidden })).toThrow(TypeError)
    expect(() => convert({ user: 'ann', hidden })).toThrow(words)
  })

  it('H1, H2 each part of `hidden` has its default', () => {
    const of = (hidden: object) => convert({ user: 'ann', hidden }).hidden
    expect(of({})).toEqual({ every: 1_000, release: false })
    expect(of({ every: 0 })).toEqual({ every: 0, release: false })
    expect(of({ every: Number.POSITIVE_INFINITY, release: false }).every).toBe(Number.POSITIVE_INFINITY)
  })

  it('cross a port as they are: no function goes along', () => {
    const options = convert({ user: 'ann', auth: { getAccessToken }, parse: JSON.parse })
    expect(structuredClone(options)).toEqual(options)
    expect(options.auth).toEqual({ exchange: null })
  })

  it.each([[{}], [{ user: undefined }], [{ user: '' }], [{ user: 7 }], [undefined]])(
    'A3 %j: `user` is required, and null is the way to say nobody',
    (options) => {
      expect(() => convert(options)).toThrow(TypeError)
      expect(() => convert(options)).toThrow(/`user`.*`null`|`user`.*`user: null`/s)
    },
  )

  it.each([
    ['heartbeat', 'timeout'],
    ['heartbeat', 'misses'],
    ['log', 'events'],
    ['log', 'bytes'],
    ['log', 'age'],
  ])('`%s.%s` must be above 0', (group, name) => {
    for (const value of [0, -1, Number.NaN, 'soon'])
      expect(() => convert({ user: 'ann', [group]: { [name]: value } })).toThrow(
        new RegExp(`${group}\\.${name}.*above 0`),
      )
  })

  it('`maxEventSize` must be above 0', () => {
    expect(() => convert({ user: 'ann', maxEventSize: 0 })).toThrow(/maxEventSize.*above 0/)
  })

  it('`auth.dpop` is true or false, and needs a token endpoint', () => {
    const of = (auth: object) => convert({ user: 'ann', auth: { getAccessToken, ...auth } })
    expect(of({ exchange: '/token', dpop: true }).auth).toEqual({ exchange: `${BASE}token`, dpop: true })
    expect(of({ exchange: '/token', dpop: false }).auth).toEqual({ exchange: `${BASE}token` })
    expect(() => of({ exchange: '/token', dpop: 'yes' })).toThrow(/auth\.dpop/)
    expect(() => of({ dpop: true })).toThrow(/auth\.exchange/)
  })

  it('`auth.userOf` must be a function, if it is given', () => {
    expect(() => convert({ user: 'ann', auth: { getAccessToken, userOf: 'ann' } })).toThrow(/userOf/)
    const { auth } = convert({ user: 'ann', auth: { getAccessToken, userOf: () => 'ann' } })
    expect(auth).toEqual({ exchange: null })
  })

  it('`auth` needs a function that gives the token', () => {
    for (const auth of [{}, { getAccessToken: 'very-secret' }, { exchange: '/token' }])
      expect(() => convert({ user: 'ann', auth })).toThrow(/getAccessToken/)
  })

  it.each(['\ud800', 'a\udfff', '\udc00\ud800'])(
    'A3 a user with half of a surrogate pair is a TypeError, like any other user that cannot be named: %j',
    (user) => {
      expect(() => convert({ user })).toThrow(TypeError)
    },
  )

  it.each(['ann', 'ä', '👩‍💻', '@', '%', ' ', '\0', 'a'.repeat(10_000)])('A3 %j is a user', (user) => {
    expect(convert({ user }).user).toBe(user)
  })

  it.each([
    [{ maxEventsize: 1 }, '`maxEventsize`', '`maxEventSize`'],
    [{ header: {} }, '`header`', '`headers`'],
    [{ credentials: true }, '`credentials`', '`withCredentials`'],
    [{ heartbeat: { timout: 5 } }, '`heartbeat.timout`', '`heartbeat.timeout`'],
    [{ log: { size: 5 } }, '`log.size`', '`log.age`'],
    [{ auth: { getAccessToken, exchangeUrl: '/t' } }, '`auth.exchangeUrl`', '`auth.exchange`'],
    [{ worker: { dedicate: () => {} } }, '`worker.dedicate`', '`worker.dedicated`'],
    [{ verify: { jwksUri: '/k', audience: 'a', types: ['a'] } }, '`verify.jwksUri`', '`verify.jwks`'],
  ])('an option that does not exist is a TypeError that names the nearest: %j', (options, name, nearest) => {
    expect(() => convert({ user: null, ...options })).toThrow(TypeError)
    expect(() => convert({ user: null, ...options })).toThrow(`${name}. Is it ${nearest}?`)
  })

  it.each([
    [{ resume: 'Strict' }, /`resume`/],
    [{ withCredentials: 'yes' }, /`withCredentials`/],
    [{ maxEventSize: '7' }, /`maxEventSize`/],
    [{ heartbeat: { timeout: '5' } }, /`heartbeat.timeout`/],
    [{ lastEventId: { query: '' } }, /`lastEventId`/],
    [{ coalesce: [] }, /`coalesce`/],
    [{ verify: { jwks: '/k', audience: {}, types: ['a'] } }, /`verify`/],
    [{ verify: { jwks: '/k', audience: 'a', types: 'ab' } }, /`verify`/],
    [{ verify: { jwks: 5, audience: 'a', types: ['a'] } }, /`verify.jwks`/],
    [{ verify: null }, /`verify`/],
    [{ auth: null }, /`auth`/],
    [{ auth: { getAccessToken, exchange: null } }, /`auth.exchange`/],
    [{ auth: { getAccessToken, exchange: 5 } }, /`auth.exchange`/],
    [{ worker: './worker.ts' }, /`worker`/],
    [{ worker: { shared: './worker.ts' } }, /`worker.shared`/],
    [{ heartbeat: 15_000 }, /`heartbeat`/],
    [{ log: 5_000 }, /`log`/],
    [{ lastEventId: 'since' }, /`lastEventId`/],
    [{ dedupe: 'no' }, /`dedupe`/],
    [{ parse: 'text' }, /`parse`/],
    [{ schemas: () => {} }, /`schemas`/],
    [{ headers: 'X-Tenant: a' }, /`headers`/],
  ])('what is of another type is refused by name: %j', (options, words) => {
    expect(() => convert({ user: null, ...options } as never)).toThrow(TypeError)
    expect(() => convert({ user: null, ...options })).toThrow(words)
  })

  it('of a framework’s proxies are copied plain, so that they cross a port', () => {
    const reactive = <T extends object>(value: T): T =>
      new Proxy(value, {
        get: (target, key) => {
          const found = Reflect.get(target, key)
          return typeof found === 'object' && found !== null ? reactive(found) : found
        },
      })
    const options = reactive({
      user: 'ann',
      headers: { 'x-tenant': 'acme' },
      heartbeat: { timeout: 5 },
      log: { age: 1 },
      verify: { jwks: '/keys', audience: 'app', types: ['a'] },
      from: { last: 3 },
    })
    expect(() => structuredClone(options.headers)).toThrow()
    const plain = convert(options)
    expect(structuredClone(plain)).toEqual(plain)
    expect(plain).toMatchObject({
      headers: { 'x-tenant': 'acme' },
      log: { age: 1 },
      verify: { types: ['a'] },
    })
    expect(structuredClone(plainFrom(options.from))).toEqual({ last: 3 })
  })

  it('`from` is where a tab starts, or a TypeError (D5)', () => {
    for (const from of ['now', 'start', { last: 0 }, { last: 3 }, { after: '' }, { after: 'x' }] as const)
      expect(plainFrom(from)).toEqual(from)
    expect(plainFrom()).toBe('now')
    const wrong = [{ last: '3' }, { last: -1 }, { last: Number.NaN }, { last: 1.5 }, { after: 3 }]
    for (const from of ['later', 3, null, {}, ...wrong])
      expect(() => plainFrom(from as never)).toThrow(/`from` must be/)
  })

  it.each([undefined, null, 42, {}, () => '/stream'])('a URL is a string or a `URL`: %j', (url) => {
    expect(() => toHubOptions(url as never, { user: 'ann' }, BASE)).toThrow(
      'the URL given to connect() is not a URL',
    )
  })

  it('A1, A6 hold for the URL of the stream and of the token endpoint, and the error names which', () => {
    expect(() => convert({ user: 'ann' }, '/stream?token=very-secret')).toThrow(/URL/)
    const exchange = 'http://app.test/token'
    expect(() => convert({ user: 'ann', auth: { getAccessToken, exchange } })).toThrow(
      /auth\.exchange.*https:/,
    )
  })
})
