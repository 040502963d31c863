import { beforeEach, describe, expect, it } from 'vitest'
import { idleStatus } from '../../../../src/idle-status.ts'
import type { Status } from '../../../../src/shared/status.ts'
import { createTimeline, type Timeline } from '../../../../worker/base/timeline.ts'

describe('I1 the time line of a hub', () => {
  let now: number
  let timeline: Timeline
  const status = (change: Partial<Status>): Status => ({ ...idleStatus(0), durable: true, ...change })
  const told = () => timeline.newest(200).map(({ at, what, is, note, times }) => [at, what, is, note, times])

  beforeEach(() => {
    now = 1_000
    timeline = createTimeline({ now: () => now }, 'hub-1')
  })

  it('begins with the hub, and says nothing of what is as it always is at first', () => {
    timeline.status(status({}))
    expect(told()).toEqual([[1_000, 'hub', 'began', 'hub-1', 1]])
  })

  it('has an entry for each part of the status that changed, with its time, and none for what did not', () => {
    timeline.status(status({ state: 'connecting' }))
    now = 2_000
    timeline.status(status({ state: 'open', role: 'leader', tabs: 3, lastEventId: '7' }))
    timeline.status(status({ state: 'open', role: 'leader', tabs: 4, lastEventId: '8' }))
    now = 3_000
    timeline.status(status({ state: 'open', role: 'leader', health: 'degraded', durable: false }))
    expect(told().slice(1)).toEqual([
      [1_000, 'state', 'connecting', '', 1],
      [2_000, 'state', 'open', '', 1],
      [2_000, 'role', 'leader', '', 1],
      [3_000, 'health', 'degraded', '', 1],
      [3_000, 'durable', 'false', '', 1],
    ])
  })

  it('counts what is repeated in a row, so that a storm does not push out what led to it', () => {
    for (let storm = 0; storm < 500; storm++) timeline.add('error', 'signature', 'forged')
    timeline.add('reset', 'server')
    timeline.add('error', 'signature', 'forged')
    expect(told().map(([, , is, , times]) => [is, times])).toEqual([
      ['began', 1],
      ['signature', 500],
      ['server', 1],
      ['signature', 1],
    ])
  })

  it('keeps the last 200, and gives so many as are asked for: none, if none are', () => {
    for (let tab = 1; tab <= 300; tab++) timeline.add('tab', 'came', `tab-${tab}`)
    const all = timeline.newest(1_000)
    expect([all.length, all[0]!.note, all.at(-1)!.note]).toEqual([200, 'tab-101', 'tab-300'])
    expect(timeline.newest(2).map(({ note }) => note)).toEqual(['tab-299', 'tab-300'])
    expect(timeline.newest(0)).toEqual([])
  })
})
