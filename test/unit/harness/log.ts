import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { vi } from 'vitest'
import type { LoggedEvent } from '../../../src/shared/events.ts'
import { createMetrics } from '../../../worker/base/metrics.ts'
import { type Appended, createLog, type Log } from '../../../worker/log/log.ts'
import type { Received } from '../../../worker/log/received.ts'
import { type LogStore, openLogStore } from '../../../worker/log/store.ts'
import type { FakePlatform } from './platform.ts'

export const BOUNDS = { events: 5_000, bytes: 20 * 1024 * 1024, age: 24 * 3_600_000, newest: 200 }

/** An event as the parser gives it; `id` null: it carries none. */
export const event = (
  id: string | null,
  data = `data of ${id}`,
  type = 'message',
  topic: string | null = null,
): Received => ({
  givenId: id,
  id: id ?? '',
  type,
  data,
  topic,
})

export const events = (from: number, to: number): Received[] =>
  Array.from({ length: to - from + 1 }, (_, index) => event(String(from + index)))

/** Every test begins with a browser that has stored nothing. */
export const clearIndexedDb = () => vi.stubGlobal('indexedDB', new IDBFactory())

export interface LogSetup {
  platform: FakePlatform
  bounds?: Partial<typeof BOUNDS>
  dedupe?: boolean
  open?: (onLost: () => void) => Promise<LogStore>
  onChange?: () => void
  hasFollowers?: () => boolean
}

export const openLog = ({
  platform,
  bounds,
  dedupe = true,
  open,
  onChange,
  hasFollowers = () => false,
}: LogSetup) => {
  const metrics = createMetrics()
  const durable: (string | null)[] = []
  const appended: Appended[] = []
  const log = createLog({
    platform,
    open: open ?? ((onLost) => openLogStore('log', onLost)),
    bounds: { ...BOUNDS, ...bounds },
    dedupe,
    metrics,
    onChange: (given) => {
      if (given !== null) appended.push(given)
      onChange?.()
    },
    hasFollowers,
    onCommitted: () => {},
    onClaims: () => {},
    onTruncate: () => {},
    onFenced: () => {},
    onDurable: (cause) => durable.push(cause),
  })
  // The usual log is the leader's; a follower's has its own tests.
  const led = log.lead(0)
  return { log, led, metrics, durable, appended }
}

/** A log without IndexedDB, from the start. */
export const openMemoryLog = async (platform: FakePlatform, bounds?: Partial<typeof BOUNDS>) => {
  const opened = openLog({
    platform,
    ...(bounds === undefined ? {} : { bounds }),
    open: () => Promise.reject(new Error('no IndexedDB')),
  })
  await opened.led
  return opened
}

/** Time goes on meanwhile: where events come fast, commits are spaced. */
export const committed = async (log: Log, platform: FakePlatform) => {
  for (let ms = 0; log.committed() !== log.head(); ms++) {
    if (ms > 5_000) throw new Error('Not all is committed.')
    await platform.advance(1, 1)
  }
}

/** All after `seq`, read by read. */
export const readAll = async (log: Log, after = log.first() - 1): Promise<LoggedEvent[]> => {
  const all: LoggedEvent[] = []
  for (let seq = after; seq < log.head(); seq = all.at(-1)!.seq) {
    const read = await log.read(seq)
    if (read.length === 0) throw new Error(`Nothing to read after ${seq}, though the head is ${log.head()}.`)
    all.push(...read)
  }
  return all
}

export const ids = (read: { id: string }[]): string[] => read.map(({ id }) => id)
