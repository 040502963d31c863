import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AnswerTokenOptions, answerToken } from '../../../../src/attachment/answer-token.ts'

describe('A2 what a tab answers when it is asked for an access token', () => {
  let reported: unknown[]

  beforeEach(() => {
    reported = []
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  const quoting = (): string => {
    throw new Error('very-secret')
  }

  it.each([undefined, null, '', 42])('a token that is %j is none', async (token) => {
    expect(await answerToken({ getAccessToken: async () => token })).toMatchObject({ ok: false })
    expect(await answerToken(undefined)).toMatchObject({ ok: false })
    expect(reported).toEqual([])
  })

  it('A3 says whose token it is, where the application can tell', async () => {
    const userOf = (token: string) => token.split('-')[0]
    const getAccessToken = () => 'ann-1'
    expect(await answerToken({ getAccessToken, userOf })).toEqual({ ok: true, token: 'ann-1', user: 'ann' })
    expect(await answerToken({ getAccessToken, userOf: () => 42 })).toMatchObject({ user: '42' })
    for (const said of [undefined, null])
      expect(await answerToken({ getAccessToken, userOf: () => said })).toEqual({ ok: true, token: 'ann-1' })
    expect(await answerToken({ getAccessToken })).toEqual({ ok: true, token: 'ann-1' })
  })

  it.each<[string, AnswerTokenOptions]>([
    ['getAccessToken', { getAccessToken: quoting }],
    ['userOf', { getAccessToken: () => 'very-secret', userOf: quoting }],
  ])('A1 %s that throws is reported in the page, and may have one in a while', async (_, auth) => {
    const answer = await answerToken(auth)
    expect(answer).toMatchObject({ ok: false, again: true })
    expect(JSON.stringify(answer)).not.toContain('very-secret')
    expect(reported).toHaveLength(1)
  })
})
