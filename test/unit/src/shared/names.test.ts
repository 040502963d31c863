import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyOf, PREFIX, plainKey, tabLock } from '../../../../src/shared/names.ts'

type Chosen = Parameters<typeof keyOf>[0]

const stream = (over: Partial<Chosen> = {}): Chosen => ({
  url: 'https://app.test/s',
  user: 'ann',
  headers: {},
  withCredentials: false,
  auth: null,
  verify: null,
  topics: null,
  ...over,
})
const topics = { param: 'topic', separator: null, change: 'auto' as const, grace: 30_000, most: 100 }
const verify = { jwks: 'https://x/keys', audience: 'app', types: ['alarm'] }

describe('A3 what chooses the stream is part of its key', () => {
  it('user and URL are readable', async () => {
    expect(await keyOf(stream())).toBe('tabstream:ann@https://app.test/s')
    expect(await keyOf(stream({ user: null }))).toBe('tabstream:@https://app.test/s')
    expect(plainKey('https://app.test/s', 'ann')).toBe(await keyOf(stream()))
  })

  it('whatever their ids are: no two pairs of URL and user share one', async () => {
    const user = fc.option(
      fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('@', 'a@https://x/', '%40', ':', '#', '?')),
    )
    const url = fc.constantFrom('https://x/', 'https://x/@', 'https://x/?@', 'https://x/?', 'https://x/?a=1')
    await fc.assert(
      fc.asyncProperty(url, user, url, user, async (url1, user1, url2, user2) => {
        fc.pre(
          new URL(url1).search !== new URL(url2).search ||
            url1.split('?')[0] !== url2.split('?')[0] ||
            user1 !== user2,
        )
        expect(await keyOf(stream({ url: url1, user: user1 }))).not.toBe(
          await keyOf(stream({ url: url2, user: user2 })),
        )
      }),
    )
  })

  it('headers, cookies to another origin, the token endpoint, the query, what is verified and topics: each makes another', async () => {
    const streams = [
      stream(),
      stream({ url: 'https://app.test/s?topic=a' }),
      stream({ url: 'https://app.test/s?topic=b' }),
      stream({ headers: { 'x-tenant': 'a' } }),
      stream({ headers: { 'x-tenant': 'b' } }),
      stream({ headers: { 'x-tenant': 'a', 'x-team': 'a' } }),
      stream({ withCredentials: true }),
      stream({ auth: { exchange: 'https://app.test/token' } }),
      stream({ auth: { exchange: 'https://app.test/token?tenant=a' } }),
      stream({ verify }),
      stream({ verify: { ...verify, audience: 'other' } }),
      stream({ verify: { ...verify, types: ['alarm', 'note'] } }),
      stream({ topics }),
      stream({ topics: { ...topics, param: 'match' } }),
      stream({ topics: { ...topics, separator: ',' } }),
    ]
    const keys = await Promise.all(streams.map(keyOf))
    expect(new Set(keys).size).toBe(streams.length)
    // The same again, as another tab works it out.
    expect(await Promise.all(structuredClone(streams).map(keyOf))).toEqual(keys)
  })

  it('where the access token goes is not among it: with auth and without an exchange it is the same stream', async () => {
    expect(await keyOf(stream({ auth: { exchange: null } }))).toBe(await keyOf(stream()))
  })

  it('A1 no value of a header and no query is to be read in it', async () => {
    const key = await keyOf(
      stream({
        url: 'https://app.test/s?invite=very-secret',
        headers: { 'x-tenant': 'very-secret' },
        auth: { exchange: 'https://app.test/token?very-secret' },
      }),
    )
    expect(key).toMatch(/^tabstream:ann@https:\/\/app\.test\/s#[\da-f]{32}$/)
  })

  it('every name starts with the library’s own', () => {
    expect(plainKey('https://x/', 'a').startsWith(PREFIX)).toBe(true)
    expect(tabLock('t')).toBe('tabstream:tab:t')
  })
})
