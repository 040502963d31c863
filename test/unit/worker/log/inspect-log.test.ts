import { beforeEach, describe, expect, it } from 'vitest'
import { readData, readHeads } from '../../../../worker/log/inspect-log.ts'
import { clearIndexedDb, committed, event, events, openLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('I1 what the log holds, by heads', () => {
  let platform: FakePlatform
  let log: ReturnType<typeof openLog>['log']
  const seqs = async (ask: Parameters<typeof readHeads>[1]) =>
    (await readHeads(log, ask)).map(({ seq }) => seq)

  beforeEach(async () => {
    clearIndexedDb()
    platform = createFakePlatform()
    log = openLog({ platform, bounds: { events: 5_000 } }).log
    await log.ready
  })

  it('gives the newest, the oldest of them first, without their data', async () => {
    await log.append([{ ...event('a'), type: 'note', data: '"four"' }, event('b')])
    const heads = await readHeads(log, { last: 10 })
    expect(heads[0]).toEqual({
      seq: 1,
      id: 'a',
      type: 'note',
      topic: null,
      control: null,
      at: platform.now(),
      size: 6,
    })
    expect(heads.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(JSON.stringify(heads)).not.toContain('four')
  })

  it('never gives more than was asked for, nor more than 500', async () => {
    await log.append(events(1, 1_200))
    expect(await seqs({ last: 3 })).toEqual([1_198, 1_199, 1_200])
    expect(await seqs({ last: 100_000 })).toHaveLength(500)
    expect(await seqs({ last: 0 })).toEqual([])
    expect(await seqs({ last: -5 })).toEqual([])
  })

  it('gives what lies between two places: older ones, and only what is new', async () => {
    await log.append(events(1, 20))
    expect(await seqs({ last: 3, before: 11 })).toEqual([8, 9, 10])
    expect(await seqs({ last: 500, after: 18 })).toEqual([19, 20])
    expect(await seqs({ last: 500, after: 20 })).toEqual([])
    expect(await seqs({ last: 500, after: 99 })).toEqual([])
    expect(await seqs({ last: 5, before: 99 })).toEqual([16, 17, 18, 19, 20])
    expect(await seqs({ last: 5, before: 1 })).toEqual([])
  })

  it('reads what is in IndexedDB alone, over the border to what is in memory', async () => {
    for (let first = 1; first <= 3_000; first += 250) await log.append(events(first, first + 249))
    await committed(log, platform)
    await log.append(events(3_001, 3_001))
    expect(await seqs({ last: 4, before: 12 })).toEqual([8, 9, 10, 11])
    const across = await seqs({ last: 500, before: 2_300 })
    expect([across.length, across[0], across.at(-1)]).toEqual([500, 1_800, 2_299])
  })

  it('gives the payload of one event, as it came; none of one that the log lacks', async () => {
    await log.append(events(1, 3))
    const [, two] = await readHeads(log, { last: 3 })
    expect(await readData(log, two!.seq)).toBe(events(2, 2)[0]!.data)
    expect(await readData(log, 4)).toBeNull()
    expect(await readData(log, 0)).toBeNull()
    await log.restart('dropped')
    expect(await readData(log, two!.seq)).toBeNull()
    expect(await seqs({ last: 10 })).toEqual([])
  })
})
