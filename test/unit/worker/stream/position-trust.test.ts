import { describe, expect, it } from 'vitest'
import {
  afterAttempt,
  isRefusal,
  type Reception,
  sendsPosition,
  TRUSTED,
  type Trust,
} from '../../../../worker/stream/position-trust.ts'

/** The states that these attempts lead to, one after the other. */
const states = (receptions: Reception[], hadPosition = true): string[] => {
  let trust: Trust = TRUSTED
  return receptions.map((reception) => {
    trust = afterAttempt(trust, reception, hadPosition)
    return trust.state
  })
}

describe('S7 whether the position goes along', () => {
  it.each<[string, Reception[], string[]]>([
    [
      'refused three times, and once more after an attempt without it has opened: it is lost until a stream opens',
      ['answered', 'answered', 'answered', 'opened', 'answered', 'other', 'answered', 'opened'],
      ['trusted', 'trusted', 'probing', 'confirming', 'lost', 'lost', 'lost', 'trusted'],
    ],
    [
      'no answer three times, and once more after an attempt without it has opened: it cannot be sent',
      ['unreachable', 'unreachable', 'unreachable', 'opened', 'unreachable', 'opened', 'unreachable'],
      ['trusted', 'trusted', 'probing', 'confirming', 'unsendable', 'unsendable', 'unsendable'],
    ],
    [
      'a server that is back by the attempt without it takes the position: it stays',
      ['answered', 'answered', 'answered', 'opened', 'opened'],
      ['trusted', 'trusted', 'probing', 'confirming', 'trusted'],
    ],
    [
      'a server that is away refuses all attempts: one in four goes without it',
      ['answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'opened'],
      ['trusted', 'trusted', 'probing', 'trusted', 'trusted', 'trusted', 'probing', 'confirming'],
    ],
    [
      'what says nothing of the position begins the count anew',
      ['answered', 'answered', 'other', 'answered', 'answered', 'opened', 'answered', 'answered', 'answered'],
      ['trusted', 'trusted', 'trusted', 'trusted', 'trusted', 'trusted', 'trusted', 'trusted', 'probing'],
    ],
    [
      'refusals of two kinds are not in a row',
      [
        'answered',
        'answered',
        'unreachable',
        'unreachable',
        'answered',
        'unreachable',
        'unreachable',
        'unreachable',
      ],
      ['trusted', 'trusted', 'trusted', 'trusted', 'trusted', 'trusted', 'trusted', 'probing'],
    ],
    [
      'another end of the last try than the refusal that was in doubt proves nothing',
      ['answered', 'answered', 'answered', 'opened', 'unreachable'],
      ['trusted', 'trusted', 'probing', 'confirming', 'trusted'],
    ],
  ])('%s', (_, receptions, expected) => {
    expect(states(receptions)).toEqual(expected)
  })

  it('without a position nothing is in doubt', () => {
    expect(new Set(states(Array(8).fill('answered'), false))).toEqual(new Set(['trusted']))
  })

  it('is sent while it is trusted, and to confirm a refusal', () => {
    const sent = (['trusted', 'probing', 'confirming', 'lost', 'unsendable'] as const).filter((state) =>
      sendsPosition({ state, by: 'answered', refusals: 0 } as Trust),
    )
    expect(sent).toEqual(['trusted', 'confirming'])
  })

  it('is what an answer may speak of, unless that speaks of the token, the user, the time or the number', () => {
    const asked = [200, 204, 301, 400, 401, 403, 404, 408, 409, 410, 412, 416, 422, 425, 429, 500, 502, 503]
    expect(asked.filter(isRefusal)).toEqual([400, 404, 409, 410, 412, 416, 422, 500, 502, 503])
  })
})
