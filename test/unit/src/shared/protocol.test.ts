import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyOf, PREFIX, tabLock } from '../../../../src/shared/names.ts'

describe('A3 another user is another key', () => {
  it('of a readable form', () => {
    expect(keyOf('https://app.test/s', 'ann')).toBe('tabstream:ann@https://app.test/s')
    expect(keyOf('https://app.test/s', null)).toBe('tabstream:@https://app.test/s')
  })

  it('whatever their ids are: no two pairs of URL and user share one', () => {
    const user = fc.option(
      fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('@', 'a@https://x/', '%40', ':')),
    )
    const url = fc.constantFrom('https://x/', 'https://x/@', 'https://a@x/', 'https://x/?@')
    fc.assert(
      fc.property(url, user, url, user, (url1, user1, url2, user2) => {
        fc.pre(url1 !== url2 || user1 !== user2)
        expect(keyOf(url1, user1)).not.toBe(keyOf(url2, user2))
      }),
    )
  })

  it('A5 what verifies is another key than what does not, or otherwise', () => {
    const verify = { jwks: 'https://x/keys', audience: 'app', types: ['alarm'] }
    const keys = [null, verify, { ...verify, audience: 'other' }, { ...verify, types: ['alarm', 'note'] }]
    expect(new Set(keys.map((each) => keyOf('https://x/', 'ann', each))).size).toBe(keys.length)
  })

  it('and every name starts with the library’s own', () => {
    expect(keyOf('https://x/', 'a').startsWith(PREFIX)).toBe(true)
    expect(tabLock('t')).toBe('tabstream:tab:t')
  })
})
