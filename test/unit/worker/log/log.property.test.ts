import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Log } from '../../../../worker/log/log.ts'
import { openLogStore } from '../../../../worker/log/store.ts'
import { placeFormerTab } from '../../../../worker/tabs/locate-tab.ts'
import { clearIndexedDb, committed, event, openLog } from '../../harness/log.ts'
import { createFakePlatform } from '../../harness/platform.ts'

type Step = { do: 'append' | 'again' | 'read' | 'commit' | 'close' | 'crash'; size: number }

const step = fc.record({
  do: fc.constantFrom<Step['do']>('append', 'append', 'append', 'again', 'read', 'commit', 'close', 'crash'),
  size: fc.integer({ min: 1, max: 300 }),
})

/**
 * A server that numbers its events, a log that is closed or dies at any point, and a reader with a cursor.
 * After a crash the server sends again what the log had not committed, as the position asks for.
 */
const simulate = async (steps: Step[]) => {
  clearIndexedDb()
  const platform = createFakePlatform()
  let sent = 0
  let seq = 0
  const taken = new Set<string>()
  const read: string[] = []
  let log: Log

  let crash = () => {}

  const open = async () => {
    let alive = true
    crash = () => {
      alive = false
    }
    log = openLog({
      platform,
      bounds: { events: 20_000 },
      open: async (onLost) => {
        const store = await openLogStore('log', onLost)
        return { ...store, commit: (given) => (alive ? store.commit(given) : new Promise<never>(() => {})) }
      },
    }).log
    await log.ready
    sent = Number(log.lastEventId() === '' ? 0 : log.lastEventId())
    const placed = placeFormerTab(log.facts(), { epoch: log.epoch(), seq }, null)
    expect(placed.reset).toBeNull()
    seq = placed.cursor.seq
  }
  const readOn = async () => {
    for (const found of await log.read(seq)) {
      expect(found.seq).toBe(seq + 1)
      seq = found.seq
      // What a tab does (src/delivery/intake.ts): drops what it took from a hub that died before committing it.
      if (!taken.has(found.id)) read.push(found.id)
      taken.add(found.id)
    }
  }

  await open()
  for (const { do: what, size } of steps) {
    if (what === 'append') {
      await log!.append(Array.from({ length: size }, () => event(String(++sent))))
    } else if (what === 'again') {
      const from = Math.max(1, sent - size)
      await log!.connected(true)
      // The two may be one, and the same event twice in a connection is two events (D3).
      const repeated = sent === 0 ? [] : [...new Set([from, sent])]
      expect(await log!.append(repeated.map((n) => event(String(n))))).toBe(0)
    } else if (what === 'read') await readOn()
    else if (what === 'commit') await committed(log!, platform)
    else {
      if (what === 'close') await log!.close()
      // Nobody closes anything, and what is under way in IndexedDB is written or not.
      else crash()
      await open()
    }
  }
  while (seq < log!.head()) await readOn()
  await log!.close()
  return { read, sent }
}

it('D1, D2, D6 any interleaving of appends, reads, closes and crashes gives the reader exactly the sequence', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
      const { read, sent } = await simulate(steps)
      // Events read before a crash that forgot them are read, though the server was not asked for them again.
      const upTo = Math.max(sent, ...read.map(Number))
      expect(read).toEqual(Array.from({ length: upTo }, (_, at) => String(at + 1)))
    }),
    { numRuns: 80 },
  )
})
