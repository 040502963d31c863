import { PREFIX } from '../../src/shared/names.ts'
import type { Platform } from '../base/platform.ts'
import type { LogDatabases, LogUse } from './store.ts'

/** The most logs that an origin keeps: each user of each stream has one. */
const MOST_LOGS = 50
/** ms from the start of a hub until it looks for old logs: its own tabs come first. */
const SWEEP_AFTER = 2_000

/** A log's database, as it is found. */
export interface FoundLog {
  name: string
  /** `null`: nothing was ever committed to it. */
  use: LogUse | null
  /** Whether a hub has this log's stream, or waits for it. */
  isInUse: boolean
}

/**
 * Which logs go (B3). A log goes if nobody has used it for as long as its events are kept. If there are more than
 * `most` logs, those go that were used longest ago. A log that is in use stays. Pure.
 */
export const logsToDelete = (found: FoundLog[], now: number, most = MOST_LOGS): string[] =>
  found
    .filter(({ isInUse }) => !isInUse)
    .sort((a, b) => (a.use?.at ?? 0) - (b.use?.at ?? 0))
    .filter(({ use }, index) => index < found.length - most || (use !== null && now - use.at > use.age))
    .map(({ name }) => name)

export interface SweepOptions {
  platform: Pick<Platform, 'after' | 'now' | 'locks'>
  databases: LogDatabases
  /** The log of this hub. */
  own: string
  /** The lock that a hub of the log with this name holds, or waits for. */
  lockOf(name: string): string
}

/** Deletes old logs of this origin, once, soon after a hub has started (B3): their own users may never come back. */
export const sweepOldLogs = ({ platform, databases, own, lockOf }: SweepOptions): { close(): void } => {
  const find = async (): Promise<FoundLog[]> => {
    const names = (await databases.names()).filter((name) => name.startsWith(PREFIX))
    const { held = [], pending = [] } = await platform.locks.query()
    const locks = new Set([...held, ...pending].map(({ name }) => name))
    const look = async (name: string) => {
      const isInUse = name === own || locks.has(lockOf(name))
      return { name, isInUse, use: isInUse ? null : await databases.use(name) }
    }
    return Promise.all(names.map(look))
  }
  const sweep = async () => {
    await Promise.all(logsToDelete(await find(), platform.now()).map(databases.delete))
  }
  // If the sweep fails, the next hub that starts tries again.
  return { close: platform.after(SWEEP_AFTER, () => void sweep().catch(() => {})) }
}
