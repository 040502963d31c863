import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Log } from '../../../../worker/log/log.ts'
import { openLogStore } from '../../../../worker/log/store.ts'
import { placeFormerTab } from '../../../../worker/tabs/locate-tab.ts'
import { clearIndexedDb, event, openLog } from '../../harness/log.ts'
import { createFakePlatform } from '../../harness/platform.ts'
import { settle } from '../../harness/turns.ts'

type Step = { do: 'append' | 'read' | 'break' | 'mend' | 'restart' | 'crash' | 'settle'; size: number }

const step = fc.record({
  do: fc.constantFrom<Step['do']>(
    ...([
      'append',
      'append',
      'append',
      'read',
      'read',
      'break',
      'mend',
      'restart',
      'crash',
      'settle',
    ] as const),
  ),
  size: fc.integer({ min: 1, max: 30 }),
})

/** As `log.property.test.ts`, with an IndexedDB that fails for a while, and a server that loses the position. */
const simulate = async (steps: Step[]) => {
  clearIndexedDb()
  const platform = createFakePlatform()
  let broken = false
  let crash = () => {}
  let log: Log
  let sent = 0
  let cursor = { epoch: '', seq: 0 }
  /** The newest taken since the last reset. */
  let last: number | null = 0
  const taken = new Set<number>()
  let resets = 0
  /** What a reset passed over, the application has fetched; the next hub may get it again all the same. */
  let passed = 0

  const open = async () => {
    let alive = true
    crash = () => {
      alive = false
    }
    const opened = openLog({
      platform,
      bounds: { events: 20_000 },
      open: async (onLost) => {
        if (broken) throw new Error('broken')
        const store = await openLogStore('log', onLost)
        return {
          ...store,
          commit(commit) {
            if (!alive) return new Promise<never>(() => {})
            return broken ? Promise.reject(new Error('broken')) : store.commit(commit)
          },
          range: (from, to) => (broken ? Promise.reject(new Error('broken')) : store.range(from, to)),
        }
      },
    })
    log = opened.log
    await opened.led
    sent = Number(log.lastEventId() || 0)
  }
  /** What a session and a tab do: place, tell a reset, read, drop what was taken from a hub that died. */
  const readOn = async (): Promise<boolean> => {
    const placed = placeFormerTab(log.facts(), cursor, null)
    // What was taken of one log says nothing of another's events (src/delivery/intake.ts).
    if (placed.cursor.epoch !== cursor.epoch) taken.clear()
    cursor = placed.cursor
    if (placed.reset !== null) {
      resets++
      last = null
      passed = Math.max(passed, Number(log.lastEventId() || 0))
      return true
    }
    if (cursor.seq >= log.head()) return false
    for (const { seq, id } of await log.read(cursor.seq)) {
      expect(seq).toBe(cursor.seq + 1)
      cursor = { ...cursor, seq }
      const number = Number(id)
      if (taken.has(number) || number <= passed) continue
      if (last !== null) expect(number, 'no hole, but behind a reset').toBe(last + 1)
      last = number
      taken.add(number)
    }
    return true
  }

  await open()
  cursor = { epoch: log!.epoch(), seq: 0 }
  for (const { do: what, size } of steps) {
    if (what === 'append') await log!.append(Array.from({ length: size }, () => event(String(++sent))))
    else if (what === 'read') await readOn()
    else if (what === 'break') broken = true
    else if (what === 'mend') {
      broken = false
      await settle()
      await platform.advance(30_000)
    } else if (what === 'restart') await log!.restart('server', String(sent))
    else if (what === 'settle') await settle()
    else {
      crash()
      await open()
    }
  }
  while (await readOn()) {}
  expect(cursor.seq).toBe(log!.head())
  await log!.close()
  return resets
}

it('D1, D2 whatever fails and whenever: the reader gets every event once and in order, or a reset', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
      await simulate(steps)
    }),
    { numRuns: 60 },
  )
})

it('D2 an IndexedDB that fails and comes back costs no reset', async () => {
  const calm = step.filter(({ do: what }) => what !== 'crash' && what !== 'restart')
  await fc.assert(
    fc.asyncProperty(fc.array(calm, { maxLength: 30, size: 'max' }), async (steps) => {
      expect(await simulate(steps)).toBe(0)
    }),
    { numRuns: 40 },
  )
})
