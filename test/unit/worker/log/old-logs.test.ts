import { openDB } from 'idb'
import { beforeEach, describe, expect, it } from 'vitest'
import { type FoundLog, logsToDelete, sweepOldLogs } from '../../../../worker/log/old-logs.ts'
import { type LogDatabases, logDatabases, openLogStore } from '../../../../worker/log/store.ts'
import { clearIndexedDb, committed, events, openLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { until } from '../../harness/turns.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const lockOf = (name: string) => `lock of ${name}`

describe('B3 which logs of an origin go', () => {
  const NOW = 10 * DAY
  const found = (name: string, hoursAgo: number | null, over: Partial<FoundLog> = {}): FoundLog => ({
    name,
    use: hoursAgo === null ? null : { at: NOW - hoursAgo * HOUR, age: DAY },
    isInUse: false,
    ...over,
  })

  it.each<[string, FoundLog[], string[]]>([
    ['one that nobody has used for as long as its events are kept', [found('a', 25), found('b', 24)], ['a']],
    [
      'each by the age of its own events',
      [
        found('a', 2, { use: { at: NOW - 2 * HOUR, age: HOUR } }),
        found('b', 30, { use: { at: NOW - 30 * HOUR, age: 2 * DAY } }),
      ],
      ['a'],
    ],
    ['none that is in use, however old', [found('a', 99, { isInUse: true })], []],
    ['none by age that nothing was committed to: its hub may just have started', [found('a', null)], []],
    ['none of a time to come: a clock was set back', [found('a', -99)], []],
    [
      'of more than three, those that were used longest ago',
      [found('a', 3), found('b', 5), found('c', 1), found('d', 4), found('e', 2)],
      ['b', 'd'],
    ],
    [
      'of more than three, first those that nothing was committed to',
      [found('a', 3), found('b', null), found('c', 1), found('d', 2)],
      ['b'],
    ],
    [
      'of more than three, none that is in use',
      [found('a', 9, { isInUse: true }), found('b', 8, { isInUse: true }), found('c', 1), found('d', 2)],
      ['d'],
    ],
  ])('%s', (_, logs, names) => {
    expect(logsToDelete(logs, NOW, 3)).toEqual(names)
  })

  it('keeps 50 of them', () => {
    const many = Array.from({ length: 53 }, (_, at) => found(`log ${at}`, at / 10))
    expect(logsToDelete(many, NOW)).toEqual(['log 52', 'log 51', 'log 50'])
  })
})

describe('B3 a hub that starts deletes old logs', () => {
  let platform: FakePlatform

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
  })
  const names = async () => (await logDatabases.names()).sort()
  /** A log that a user has left behind. */
  const leave = async (name: string) => {
    const { log, led } = openLog({ platform, open: (onLost) => openLogStore(name, onLost) })
    await led
    await log.append(events(1, 3))
    await committed(log, platform)
    await log.close()
  }
  /** Resolves once the sweep has deleted what it deletes. */
  const sweep = async (over: Partial<LogDatabases> = {}) => {
    const deleted: Promise<void>[] = []
    let looked = 0
    const databases: LogDatabases = {
      ...logDatabases,
      async names() {
        const all = await logDatabases.names()
        looked++
        return all
      },
      delete(name) {
        const gone = logDatabases.delete(name)
        deleted.push(gone)
        return gone
      },
      ...over,
    }
    const sweeping = sweepOldLogs({ platform, databases, own: 'tabstream:own', lockOf })
    await platform.advance(2_000)
    await until(() => looked === 1)
    await platform.advance(1, 50)
    await Promise.all(deleted)
    return sweeping
  }

  it('of users who never came back, and nothing else of the origin', async () => {
    await leave('tabstream:ann@https://app.test/stream')
    await leave('tabstream:own')
    ;(await openDB('of the application', 1)).close()
    await platform.advance(DAY + 1, 1)
    await leave('tabstream:bob@https://app.test/stream')
    await sweep()
    expect(await names()).toEqual([
      'of the application',
      'tabstream:bob@https://app.test/stream',
      'tabstream:own',
    ])
  })

  it.each(['holds', 'waits for'])('but none whose hub %s its lock', async (how) => {
    const name = 'tabstream:ann@https://app.test/stream'
    await leave(name)
    await platform.advance(DAY + 1, 1)
    const release = platform.locks.hold(lockOf(name))
    if (how === 'waits for') void platform.locks.request(lockOf(name), () => new Promise(() => {}))
    await sweep()
    expect(await names()).toEqual([name])
    release()
  })

  it('makes no database anew that goes meanwhile, and reads none that is no log', async () => {
    expect(await logDatabases.use('tabstream:gone').catch(() => null)).toBeNull()
    expect(await names()).toEqual([])
    ;(await openDB('tabstream:other', 1)).close()
    expect(await logDatabases.use('tabstream:other')).toBeNull()
  })

  it('does nothing once its hub has closed', async () => {
    await leave('tabstream:ann@https://app.test/stream')
    await platform.advance(DAY + 1, 1)
    sweepOldLogs({ platform, databases: logDatabases, own: 'tabstream:own', lockOf }).close()
    await platform.advance(10_000)
    expect(await names()).toHaveLength(1)
  })
})
