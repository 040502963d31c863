import { beforeEach, describe, expect, it } from 'vitest'
import { followKey, type LoggedEvent, type Types } from '../../../../src/shared/events.ts'
import { createSharedReads, type SharedReads } from '../../../../worker/tabs/shared-reads.ts'

const event = (seq: number, type = 'a'): LoggedEvent => ({
  seq,
  id: String(seq),
  hasOwnId: true,
  topic: null,
  type,
  data: `data of ${seq}`,
  at: seq * 10,
})

describe('what tabs read', () => {
  let logged: LoggedEvent[]
  let asked: number
  let leader: string
  let reads: SharedReads

  beforeEach(() => {
    logged = [event(1), event(2, 'b'), event(3)]
    asked = 0
    leader = 'one'
    reads = createSharedReads({
      head: () => logged.length,
      position: () => ({ epoch: 'e', leader }) as never,
      read(after) {
        asked++
        return logged.slice(after, after + 500)
      },
    })
  })
  const next = (after: number, types: Types = '*') => {
    const follow = { types, topics: {} }
    return reads.next(after, follow, followKey(follow))
  }

  it('is read, filtered and packed once for all that stand at one place and follow the same', () => {
    expect(next(0)).toBe(next(0))
    expect(next(0, ['a'])).toBe(next(0, ['a']))
    expect(next(0, ['a'])).not.toBe(next(0))
    expect(asked).toBe(1)
    expect(next(0, ['a'])).toMatchObject({ to: 3, id: '3', at: 30, events: { ids: ['1', '3'] } })
  })

  it('names the place that it leads to where a tab follows nothing of it', () => {
    expect(next(1, ['c'])).toMatchObject({ to: 3, id: '3', at: null, events: { ids: [] } })
  })

  it('goes on with what came since', () => {
    next(0)
    logged.push(event(4))
    expect(next(0)).toMatchObject({ to: 4 })
    expect(asked).toBe(2)
  })

  it('is read again under another leader, whose log may be another', () => {
    next(0)
    leader = 'two'
    logged[2] = event(3, 'c')
    expect(next(0)).toMatchObject({ events: { types: ['a', 'b', 'c'] } })
  })

  it('is nothing where there is nothing, which is not remembered', () => {
    expect(next(3)).toBeNull()
    logged.push(event(4))
    expect(next(3)).toMatchObject({ to: 4 })
  })
})
