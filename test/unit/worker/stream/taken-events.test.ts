import { beforeEach, describe, expect, it } from 'vitest'
import { createTakenEvents, type TakenEvents } from '../../../../worker/stream/taken-events.ts'
import { event, openMemoryLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

const HOUR = 3_600_000
const alarm = (id: string, data = `data of ${id}`) => event(id, data, 'alarm')

describe('A5 which signed events were taken', () => {
  let platform: FakePlatform
  let log: Awaited<ReturnType<typeof openMemoryLog>>['log']
  let taken: TakenEvents

  beforeEach(async () => {
    platform = createFakePlatform()
    log = (await openMemoryLog(platform)).log
    taken = createTakenEvents({ platform, log, types: ['alarm'] })
  })

  const find = (id: string, data = `data of ${id}`) => taken.find(id, data)

  it('is known by id and data; of no other type, and of none without an id', async () => {
    await taken.log.append([alarm('1'), event('2'), event(null, 'no id', 'alarm')])
    expect([find('1'), find('1', 'other data'), find('2'), find('', 'no id')]).toEqual([
      'held',
      null,
      null,
      null,
    ])
    expect(log.head()).toBe(3)
  })

  it('is known over resets, whoever causes them', async () => {
    await taken.log.append([alarm('1')])
    await taken.log.restart('server', '1')
    await taken.log.append([alarm('2')])
    expect([find('1'), find('2')]).toEqual(['before', 'held'])
    await taken.log.restart('dropped')
    expect([find('1'), find('2')]).toEqual(['before', 'before'])
  })

  it('of an earlier worker or leader is learned from the log: before a reset, or when asked', async () => {
    await log.append([alarm('1'), event('2')])
    expect(find('1')).toBeNull()
    await taken.sync()
    expect([find('1'), find('2')]).toEqual(['held', null])
    const another = createTakenEvents({ platform, log, types: ['alarm'] })
    await another.log.restart('server', '')
    expect(another.find('1', 'data of 1')).toBe('before')
  })

  it('L3 what the log of the next leader lacks may come again; what was before a reset may not', async () => {
    let term = 1
    let lost = ''
    const later = createTakenEvents({
      platform,
      log: {
        ...log,
        lineage: () => ({ ...log.lineage(), term }),
        read: async (after) => (await log.read(after)).filter(({ id }) => id !== lost),
      },
      types: ['alarm'],
    })
    await later.log.append([alarm('1')])
    await later.log.restart('server', '')
    await later.log.append([alarm('2'), alarm('3')])
    term = 2
    lost = '3'
    await later.sync()
    expect(['1', '2', '3'].map((id) => later.find(id, `data of ${id}`))).toEqual(['before', 'held', null])
  })

  it('for 24 h', async () => {
    await taken.log.append([alarm('1')])
    await platform.advance(24 * HOUR - 1)
    expect(find('1')).toBe('held')
    await platform.advance(1)
    expect(find('1')).toBeNull()
  })

  it('of the newest 20,000', async () => {
    const many = Array.from({ length: 20_001 }, (_, at) => alarm(String(at)))
    await taken.log.append(many)
    expect([find('0'), find('1'), find('20000')]).toEqual([null, 'held', 'held'])
  })
})
