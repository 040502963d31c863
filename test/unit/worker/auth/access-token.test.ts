import { describe, expect, it } from 'vitest'
import { isAnothers, judgeAnswer } from '../../../../worker/auth/access-token.ts'

const nothing = { why: () => null }

describe('A2 what the answer of a tab comes to', () => {
  it('itself, if it is a token to send, or says why there is none', () => {
    for (const answer of [
      { ok: true as const, token: 't' },
      { ok: true as const, token: 't', user: 'ann' },
      { ok: false as const, message: 'logged out' },
      { ok: false as const, message: 'no network', again: true as const },
    ])
      expect(judgeAnswer(answer, 'ann', nothing)).toBe(answer)
  })

  it.each<[string, { token: string; user?: string }, RegExp]>([
    ['cannot be sent in a header', { token: 'se\ncret' }, /no header/],
    ['is of another user', { token: 'secret', user: 'bob' }, /another user/],
    ['was refused', { token: 'secret-refused' }, /was refused/],
    ['was another user’s, as the server said', { token: 'secret-anothers' }, /another user/],
  ])('A1 no token, if it %s; the message quotes neither token nor user', (_, answer, message) => {
    const judged = judgeAnswer({ ok: true, ...answer }, 'ann', {
      why: (token) =>
        token === 'secret-refused' ? 'refused' : token === 'secret-anothers' ? 'anothers' : null,
    })
    expect(judged).toEqual({ ok: false, message: expect.stringMatching(message) })
    expect(JSON.stringify(judged)).not.toMatch(/cret|bob/)
  })
})

it.each([
  ['bob', 'ann', true],
  ['ann', 'ann', false],
  [null, 'ann', false],
  [undefined, 'ann', false],
  ['bob', null, false],
  ['', 'ann', true],
])('A3 a token of %j for a stream of %j is another’s: %s', (theirs, ours, expected) => {
  expect(isAnothers(theirs, ours)).toBe(expected)
})
