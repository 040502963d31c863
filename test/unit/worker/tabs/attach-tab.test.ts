import { beforeEach, describe, expect, it } from 'vitest'
import { plainKey } from '../../../../src/shared/names.ts'
import { type Hello, PROTOCOL } from '../../../../src/shared/protocol.ts'
import type { Log } from '../../../../worker/log/log.ts'
import { attachTab } from '../../../../worker/tabs/attach-tab.ts'
import { OPTIONS } from '../../harness/connection.ts'
import { events, openMemoryLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'

describe('where a tab begins that attaches', () => {
  let platform: FakePlatform
  let log: Log

  beforeEach(async () => {
    platform = createFakePlatform()
    log = (await openMemoryLog(platform)).log
    await log.append(events(1, 5))
  })

  const hello = (over: Partial<Hello> = {}): Hello => ({
    protocol: PROTOCOL,
    tab: 'tab-1',
    key: plainKey(OPTIONS.url, OPTIONS.user),
    options: OPTIONS,
    cursor: null,
    lineage: null,
    from: 'now',
    since: platform.now() + 1,
    follow: { types: '*', topics: {} },
    urgent: [],
    visible: true,
    ...over,
  })
  const at = (seq: number) => ({ epoch: log.epoch(), seq })

  it('D5 a new tab begins where it asks to, and counts from there', () => {
    const { former, start, answer } = attachTab(log, hello({ from: { last: 2 } }))
    expect(former).toBeNull()
    expect(start).toMatchObject({ cursor: at(3), reset: null, isBeforeFirstDelivery: false })
    expect(answer).toEqual({ cursor: at(3), lineage: log.lineage(3) })
  })

  it('D5 a tab at `now` has heard nothing yet', () => {
    expect(attachTab(log, hello()).start).toMatchObject({ cursor: at(5), isBeforeFirstDelivery: true })
  })

  it('D5 a tab that names an unknown id is told, and begins at the head', () => {
    const { start } = attachTab(log, hello({ from: { after: 'unknown' } }))
    expect(start).toMatchObject({ cursor: at(5), reset: 'fell-behind', beginsAfter: null })
  })

  it('D2 a tab that was here before goes on from its cursor, whatever `from` says', () => {
    const lineage = log.lineage(2)
    const { former, start, answer } = attachTab(log, hello({ cursor: at(2), lineage, from: 'start' }))
    expect(former).toEqual({ cursor: at(2), lineage })
    expect(start).toMatchObject({ cursor: at(2), lineage, reset: null })
    expect(answer).toEqual({ cursor: at(2), lineage })
  })

  it('D1 a tab that is to hear a reset counts from where it was until it has heard: this hub may die first', () => {
    const was = { epoch: 'gone', seq: 9 }
    const lineage = { ...log.lineage(), lastEventId: '9' }
    const { start, answer } = attachTab(log, hello({ cursor: was, lineage }))
    expect(start).toMatchObject({ cursor: at(5), reset: 'log-lost' })
    expect(answer).toEqual({ cursor: was, lineage })
  })

  it('D5 a tab whose hub knew of no leader, and neither of this log, was never anywhere', () => {
    const lineage = { ...log.lineage(), term: 0 }
    const { former, start } = attachTab(log, hello({ cursor: { epoch: 'gone', seq: 0 }, lineage }))
    expect(former).toBeNull()
    expect(start).toMatchObject({ cursor: at(5), reset: null, isBeforeFirstDelivery: true })
  })
})
