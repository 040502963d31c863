import { isIPv6 } from 'node:net'
import type { AuditEntry, AuditLog } from './audit-log.ts'

/**
 * Lines of requests that got nothing, bounded: one a second and address, or user where one is known. What came meanwhile
 * is counted, by reason, in one line. Without that a stranger fills the disk at the speed of the network.
 */
export interface Refusals {
  /** @param whose the user, if one is known; otherwise the address counts, an IPv6 one with its /64 */
  write(entry: AuditEntry & { reason: string; address: string }, whose: string | null): void
  /** Says what was counted. */
  close(): void
}

interface Counted {
  address: string
  user: string | null
  reasons: Map<string, number>
}

const interval = 1_000
/** Addresses and users that are told apart at a time; the others count as one. */
const most = 10_000

/** The first four groups of an IPv6 address, which a provider gives to one customer. */
const networkOf = (address: string): string => {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [left = '', right] = address.split('::')
  const groups = left === '' ? [] : left.split(':')
  const others = right === undefined || right === '' ? [] : right.split(':')
  const zeros = right === undefined ? 0 : 8 - groups.length - others.length
  return [...groups, ...Array<string>(zeros).fill('0'), ...others].slice(0, 4).join(':')
}

export const createRefusals = (log: AuditLog): Refusals => {
  const counted = new Map<string, Counted>()

  const tell = () => {
    for (const [key, { address, user, reasons }] of counted) {
      if (reasons.size === 0) {
        counted.delete(key)
        continue
      }
      const count = [...reasons.values()].reduce((sum, times) => sum + times, 0)
      const named = [...reasons].map(([reason, times]) => `${reason} ${times}`).join(', ')
      log.write({ event: 'refused-more', user, address, count, reason: named })
      reasons.clear()
    }
  }
  const timer = setInterval(tell, interval).unref()

  return {
    write(entry, whose) {
      const own = whose === null ? `address ${networkOf(entry.address)}` : `user ${whose}`
      const key = counted.has(own) || counted.size < most ? own : 'others'
      const known = counted.get(key)
      if (known) {
        // Reasons are codes of this server's: a few.
        known.reasons.set(entry.reason, (known.reasons.get(entry.reason) ?? 0) + 1)
        return
      }
      const address = key === 'others' ? 'others' : entry.address
      counted.set(key, { address, user: whose, reasons: new Map() })
      log.write(entry)
    },

    close() {
      clearInterval(timer)
      tell()
    },
  }
}
