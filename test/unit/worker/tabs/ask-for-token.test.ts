import { beforeEach, describe, expect, it } from 'vitest'
import type { TokenAnswer } from '../../../../src/shared/protocol.ts'
import { type Asked, askForToken, nextToAsk } from '../../../../worker/tabs/ask-for-token.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('A2 which tab is asked for an access token next', () => {
  const tab = (name: string, visible: boolean, at: number) => ({ name, seen: () => ({ visible, at }) })
  const nobody: ReadonlySet<ReturnType<typeof tab>> = new Set()

  it.each([
    ['a visible one before a hidden one that was seen later', [tab('a', true, 1), tab('b', false, 9)], 'a'],
    ['of visible ones the one that came into view last', [tab('a', true, 9), tab('b', true, 1)], 'a'],
    ['of hidden ones the one that was looked at last', [tab('a', false, 2), tab('b', false, 5)], 'b'],
    ['of equals the newest', [tab('a', true, 1), tab('b', true, 1)], 'b'],
  ])('%s', (_, tabs, expected) => {
    expect(nextToAsk(tabs, nobody)?.name).toBe(expected)
  })

  it('none that was asked before', () => {
    const tabs = [tab('a', true, 1), tab('b', true, 2)]
    expect(nextToAsk(tabs, new Set([tabs[1]!]))?.name).toBe('a')
    expect(nextToAsk(tabs, new Set(tabs))).toBeUndefined()
  })
})

describe('A2 an access token from one of several tabs', () => {
  let platform: FakePlatform
  let silences: number

  beforeEach(() => {
    platform = createFakePlatform()
    silences = 0
  })

  const answers = (answer: TokenAnswer): Asked => ({
    seen: () => ({ visible: true, at: 0 }),
    sign: async () => {},
    accessToken: async () => answer,
  })
  const silent: Asked = {
    seen: () => ({ visible: true, at: 1 }),
    sign: () => new Promise(() => {}),
    accessToken: () => new Promise(() => {}),
  }
  const none: TokenAnswer = { ok: false, message: 'logged out' }
  const later: TokenAnswer = { ok: false, message: 'no network', again: true }
  const ask = async (...tabs: Asked[]) => {
    const asking = askForToken(
      platform,
      () => tabs,
      (answer) => (answer.ok && answer.token === 'refused' ? none : answer),
      () => void silences++,
    )
    await platform.advance(60_000)
    return asking
  }

  it('is the first that one of them has', async () => {
    expect(await ask(answers({ ok: true, token: 'old' }), answers(none))).toEqual({ ok: true, token: 'old' })
    expect(silences).toBe(0)
  })

  it('is not there, but may be in a while, if one tab says so and another has none', async () => {
    expect(await ask(answers(later), answers(none))).toEqual(later)
    expect(await ask(answers(none), answers(later))).toEqual(later)
    expect(silences).toBe(0)
  })

  it('is the next one, if the first is not to be sent', async () => {
    const refused = answers({ ok: true, token: 'refused' })
    expect(await ask(answers({ ok: true, token: 'good' }), refused)).toEqual({ ok: true, token: 'good' })
    expect(await ask(refused)).toEqual(none)
  })

  it('is not there, if each says that nobody is logged in', async () => {
    expect(await ask(answers(none), answers(none))).toEqual(none)
  })

  it('may be there in a while, if no tab answers or none is there; another hub is then told to try', async () => {
    expect(await ask(silent)).toMatchObject({ ok: false, again: true })
    expect(await ask()).toMatchObject({ ok: false, again: true })
    expect(silences).toBe(2)
  })

  it('is not there, if one says so and another is silent: the silent one says nothing', async () => {
    expect(await ask(answers(none), silent)).toEqual(none)
    expect(silences).toBe(0)
  })
})
