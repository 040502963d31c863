import { describe, expect, it } from 'vitest'
import type { ClaimRecord } from '../../../../src/shared/claims.ts'
import type { LoggedEvent } from '../../../../src/shared/events.ts'
import { claimsAfter, claimsUpTo, isClaimed, newerClaims } from '../../../../worker/log/claim-records.ts'

const record = (after: number, over: Partial<ClaimRecord> = {}): ClaimRecord => ({
  topic: null,
  type: 'a',
  after,
  run: null,
  failed: 0,
  version: 1,
  at: 0,
  ...over,
})
const event = (seq: number, type = 'a', topic: string | null = null): LoggedEvent => ({
  seq,
  id: String(seq),
  hasOwnId: true,
  type,
  data: '',
  at: 0,
  topic,
})

describe('the accounts of claims', () => {
  it('C6 an account that is level with the log stays so, up to the first event that it owes', () => {
    const claims = {
      level: record(5),
      behind: record(3),
      other: record(5, { type: 'b' }),
      all: record(5, { type: '*' }),
      topic: record(5, { topic: 'x', type: '*' }),
    }
    const after = claimsAfter(claims, 5, [event(6, 'b'), event(7), event(8), event(9, '', 'x')])!
    expect(Object.fromEntries(Object.entries(after).map(([key, { after }]) => [key, after]))).toEqual({
      level: 6,
      behind: 3,
      other: 5,
      all: 5,
      // A control is no event.
      topic: 9,
    })
  })

  it('L2 events that a leader has settled already set no account back', () => {
    expect(claimsAfter({ a: record(8) }, 5, [event(6), event(7)])!.a!.after).toBe(8)
    expect(claimsAfter({ a: record(6) }, 5, [event(6), event(7)])!.a!.after).toBe(6)
    expect(claimsAfter({ a: record(6) }, 5, [event(6), event(7, 'b')])!.a!.after).toBe(7)
    expect(claimsAfter(undefined, 5, [event(6)])).toBeUndefined()
  })

  it('C2 of two accounts of one claim the one that changed last holds, and no account is beyond the log', () => {
    const [older, newer] = [record(9), record(4, { version: 2 })]
    expect(newerClaims({ a: older }, { a: newer })).toEqual({ a: newer })
    expect(newerClaims({ a: newer }, { a: older })).toEqual({ a: newer })
    expect(newerClaims({ a: record(4) }, { a: record(6) })).toEqual({ a: record(6) })
    expect(newerClaims(undefined, { a: older })).toEqual({ a: older })
    expect(newerClaims({ a: older }, { b: newer })).toEqual({ a: older, b: newer })
    expect(claimsUpTo({ a: older, b: newer }, 5)).toEqual({ a: record(5), b: newer })
  })

  it('C1 a claim has the events of its topic and type', () => {
    expect(isClaimed(record(0), event(1))).toBe(true)
    expect(isClaimed(record(0), event(1, 'b'))).toBe(false)
    expect(isClaimed(record(0), event(1, 'a', 'x'))).toBe(false)
    expect(isClaimed(record(0, { topic: 'x' }), event(1, 'a', 'x'))).toBe(true)
  })
})
