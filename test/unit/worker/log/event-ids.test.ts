import { describe, expect, it } from 'vitest'
import { createIdentities } from '../../../../worker/log/event-ids.ts'

const logged = (seq: number, id: string, hasOwnId = true) => ({
  seq,
  id,
  hasOwnId,
  type: 'message',
  data: '',
  at: 0,
})

describe('D3 the own ids of a log', () => {
  it('knows every place at which an id stands, oldest first', () => {
    const identities = createIdentities()
    for (const event of [logged(1, 'a'), logged(2, 'b'), logged(3, 'a')]) identities.add(event)
    expect(identities.seqsOf('a')).toEqual([1, 3])
    expect(identities.seqsOf('b')).toEqual([2])
    expect(identities.seqsOf('c')).toEqual([])
  })

  it('does not know an inherited id', () => {
    const identities = createIdentities()
    identities.add(logged(1, 'a', false))
    expect(identities.seqsOf('a')).toEqual([])
  })

  it('forgets what lies before the first event of the log, and no more', () => {
    const identities = createIdentities()
    for (const event of [logged(1, 'a'), logged(2, 'b'), logged(4, 'a'), logged(5, 'c')])
      identities.add(event)
    identities.trim(4)
    expect(identities.seqsOf('a')).toEqual([4])
    expect(identities.seqsOf('b')).toEqual([])
    expect(identities.seqsOf('c')).toEqual([5])
    identities.clear()
    expect(identities.seqsOf('c')).toEqual([])
  })
})
