import { beforeEach, describe, expect, it } from 'vitest'
import { plainKey, tabLock } from '../../../src/shared/names.ts'
import { PROTOCOL } from '../../../src/shared/protocol.ts'
import type { ErrorData } from '../../../src/shared/status.ts'
import { createMetrics } from '../../../worker/base/metrics.ts'
import { createTimeline } from '../../../worker/base/timeline.ts'
import { createPort, type PortHub } from '../../../worker/port.ts'
import type { RemoteTab } from '../../../worker/tabs/session.ts'
import { createTabs, type Tabs } from '../../../worker/tabs/tabs.ts'
import type { Parts } from '../../../worker/wiring.ts'
import { OPTIONS } from '../harness/connection.ts'
import { events, openMemoryLog } from '../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../harness/platform.ts'
import { until } from '../harness/turns.ts'

describe('T2 a port whose hub has a fault of its own', () => {
  let platform: FakePlatform
  let tabs: Tabs
  let left: number
  let released: number
  let errors: ErrorData[]
  let parts: Parts
  let looks: number

  beforeEach(async () => {
    platform = createFakePlatform()
    tabs = createTabs()
    left = released = looks = 0
    errors = []
    const { log } = await openMemoryLog(platform, { events: 100 })
    parts = {
      key: plainKey(OPTIONS.url, OPTIONS.user),
      options: OPTIONS,
      log,
      reads: { next: () => Promise.reject(new Error('a fault')) },
      connection: { errorOf: (why: object) => ({ ...why, retryable: true }) },
      leadership: { join: () => {} },
      lookAtClock: () => void looks++,
      wants: () => {},
      claimants: { gone: () => {} },
      loads: { left: () => {} },
    } as unknown as Parts
  })

  const open = () => {
    const remote = {
      status: async () => {},
      error: async (error: ErrorData) => void errors.push(error),
    } as unknown as RemoteTab
    const hub = {
      platform,
      protocol: PROTOCOL,
      incarnation: 'hub',
      tabs,
      records: () => ({ metrics: createMetrics(), timeline: createTimeline(platform, 'hub') }),
      enter: async () => ({ ok: true, parts, isLockSeen: true }),
      statusOf: () => ({}),
      publish: () => {},
      request: () => {},
      viewChanged: () => {},
      onJoined: () => {},
      onLeft: () => void left++,
    } as unknown as PortHub
    return createPort(hub, remote, () => void released++)
  }

  it('tells the tab, has no session for it any more, and keeps the port until the tab goes', async () => {
    const die = platform.locks.hold(tabLock('tab'))
    const port = open()
    await port.attach({
      protocol: PROTOCOL,
      tab: 'tab',
      key: plainKey(OPTIONS.url, OPTIONS.user),
      options: OPTIONS,
      cursor: null,
      lineage: null,
      from: 'now',
      since: platform.now(),
      follow: { types: '*', topics: {} },
      urgent: [],
      visible: true,
    })
    expect(await port.ping()).toMatchObject({ attached: true })
    // S5: a sleep of the machine is seen by the first ping after it.
    expect(looks).toBe(1)
    await parts.log.append(events(1, 1))
    for (const session of tabs.all()) session.pump()
    await until(() => errors.length === 1)
    expect(errors[0]).toMatchObject({ kind: 'worker', retryable: true, cause: 'Error: a fault' })
    expect([tabs.count(), left, released]).toEqual([0, 1, 0])
    expect(await port.ping()).toEqual({ incarnation: 'hub', attached: false })
    die()
    await until(() => released === 1)
    expect(left).toBe(1)
  })
})
