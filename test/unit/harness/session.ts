import { unpack } from '../../../src/shared/packed-events.ts'
import type { Batch } from '../../../src/shared/protocol.ts'
import type { Log } from '../../../worker/log/log.ts'
import {
  createSession,
  type RemoteTab,
  type Session,
  type SessionOptions,
} from '../../../worker/tabs/session.ts'
import { createSharedReads } from '../../../worker/tabs/shared-reads.ts'
import { clearIndexedDb, openLog, openMemoryLog } from './log.ts'
import { createFakePlatform, type FakePlatform } from './platform.ts'
import { defer, settle } from './turns.ts'

/** A log with IndexedDB, which tells its sessions when more is committed. */
const openDurableLog = async (platform: FakePlatform, sessions: Session[]) => {
  clearIndexedDb()
  const opened = openLog({
    platform,
    bounds: { events: 5_000 },
    onChange() {
      for (const session of sessions) session.pump()
    },
  })
  await opened.led
  return opened
}

/** A log, in memory by default, and sessions over it whose one tab acknowledges by hand. */
export const openSessions = async (kept: 'in memory' | 'in IndexedDB' = 'in memory') => {
  const platform = createFakePlatform()
  const sessions: Session[] = []
  const { log } =
    kept === 'in memory'
      ? await openMemoryLog(platform, { events: 5_000 })
      : await openDurableLog(platform, sessions)
  const reads = createSharedReads(log)
  const batches: Batch[] = []
  const latencies: number[] = []
  const failures: unknown[] = []
  const calls: { number: number; mayWait: boolean }[] = []
  let flights: ReturnType<typeof defer<void>>[] = []
  let flight: ReturnType<typeof defer<void>>
  const remote: RemoteTab = {
    deliver(batch, number, mayWait) {
      batches.push(unpack(batch))
      calls.push({ number, mayWait })
      flight = defer<void>()
      flights.push(flight)
      return flight.promise
    },
    status: async () => {},
    error: async () => {},
    signOut: async () => {},
    accessToken: async () => ({ ok: true, token: 't' }),
  }

  return {
    platform,
    log,
    batches,
    latencies,
    failures,
    remote,
    /** How each batch was sent. */
    calls,
    acknowledgeAll() {
      for (const each of flights) each.resolve()
      flights = []
    },
    /** The batch in flight: acknowledges it, or fails it. */
    flight: () => flight,
    open: (over: Partial<SessionOptions> = {}) => {
      const session = createSession({
        platform,
        tab: 'tab-1',
        remote,
        log,
        reads,
        metrics: { delivered: (ms) => latencies.push(ms) },
        cursor: log.start('now')!,
        lineage: log.lineage(),
        reset: null,
        isBeforeFirstDelivery: false,
        beginsAfter: null,
        since: platform.now(),
        follow: { types: '*', topics: {} },
        urgent: [],
        visible: true,
        mayWait: true,
        mostWaiting: 100,
        onReset: () => {},
        onFailed: (cause) => failures.push(cause),
        ...over,
      })
      sessions.push(session)
      return session
    },
    async acknowledge() {
      flight.resolve()
      await settle()
    },
    async append(session: Session, ...given: Parameters<Log['append']>[0][]) {
      for (const each of given) {
        await log.append(each)
        session.pump()
      }
      await settle()
    },
  }
}

export type Sessions = Awaited<ReturnType<typeof openSessions>>
