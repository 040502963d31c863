import { expect, it } from 'vitest'
import type { ClaimPage, PageClaim } from '../../../../src/shared/claims.ts'
import { createRoster } from '../../../../worker/claims/roster.ts'
import { settle } from '../../../../worker/claims/settlement.ts'

const claim: PageClaim = {
  topic: null,
  type: 'a',
  mode: 'at-least-once',
  timeout: 1_000,
  attempts: 2,
  missed: 'handle',
  since: 0,
  isOver: false,
  step: { is: 'free' },
  last: null,
}
const page = (id: string, over: Partial<ClaimPage> = {}): ClaimPage => ({
  page: id,
  told: 1,
  isLocked: true,
  visible: false,
  at: 0,
  isStalled: false,
  claims: { a: claim },
  ...over,
})

it('C5 a page in view comes first, then the one seen last; a stalled one and one that has failed come last', () => {
  let now = 0
  const roster = createRoster({ platform: { now: () => now }, own: 'own' })
  const choose = (...failed: string[]) => roster.choose('a', new Set(failed))?.page
  roster.heard('own', [page('old', { at: 1 }), page('new', { at: 2 }), page('never')])
  roster.heard('other', [page('seen', { visible: true, at: 1 })])
  expect(choose()).toBe('seen')
  expect(choose('seen')).toBe('new')
  expect(choose('seen', 'new')).toBe('old')
  expect(choose('seen', 'new', 'old', 'never')).toBe('seen')
  roster.heard('other', [page('seen', { visible: true, at: 1, isStalled: true })])
  expect(choose()).toBe('new')
  roster.isSilent('new')
  expect(choose()).toBe('old')
  roster.heard('own', [page('new', { at: 2, told: 1 })])
  expect(choose()).toBe('seen')
  roster.heard('own', [page('new', { at: 2, told: 2 })])
  expect(choose()).toBe('new')
  // A hub that says nothing has no page to offer. This hub's own are here.
  now = 6_000
  expect(roster.claimants('a').map((each) => each.page.page)).toEqual(['new'])
  roster.heard('own', [page('new', { claims: { a: { ...claim, isOver: true } } })])
  expect(choose()).toBeUndefined()
})

it('C1 a page that is known at two hubs is where it has told more', () => {
  const roster = createRoster({ platform: { now: () => 0 }, own: 'own' })
  roster.heard('own', [page('one', { told: 7 })])
  roster.heard('other', [page('one', { told: 5 })])
  expect(roster.page('one')).toMatchObject({ hub: 'own', told: 7 })
})

it('C2 C3 C6 what the end of a run makes of its account', () => {
  const run = {
    id: 'r',
    page: 'p',
    told: 1,
    seq: 7,
    attempt: 1,
    mode: 'at-least-once',
    timeout: 1,
    attempts: 2,
  } as const
  const least = { topic: null, type: 'a', after: 4, failed: 0, run }
  const most = { ...least, after: 7, run: { ...run, mode: 'at-most-once' as const } }
  expect(settle(least, 'done')).toMatchObject({ is: 'settled', account: { after: 7, run: null, failed: 0 } })
  for (const end of ['failed', 'late', 'gone'] as const) {
    expect(settle(least, end)).toMatchObject({ is: 'again', account: { after: 4, run: null, failed: 1 } })
    expect(settle({ ...least, run: { ...run, attempt: 2 } }, end)).toMatchObject({
      is: 'given-up',
      account: { after: 7, failed: 0 },
    })
    expect(settle(most, end)).toMatchObject({ is: 'settled', account: { after: 7 } })
  }
  // Nobody has called the handler.
  expect(settle(most, 'unbegun')).toMatchObject({ is: 'again', account: { after: 6, failed: 0 } })
  expect(settle(least, 'unbegun')).toMatchObject({ is: 'again', account: { after: 4, failed: 0 } })
})
