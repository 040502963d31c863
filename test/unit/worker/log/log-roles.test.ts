import { beforeEach, describe, expect, it } from 'vitest'
import { createMetrics } from '../../../../worker/base/metrics.ts'
import type { Committed } from '../../../../worker/log/log.ts'
import { createLog, type Log } from '../../../../worker/log/log.ts'
import { type LogStore, openLogStore, type Position } from '../../../../worker/log/store.ts'
import { placeCursor, placeFormerTab } from '../../../../worker/tabs/locate-tab.ts'
import { BOUNDS, clearIndexedDb, committed, event, events, ids, readAll } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { defer, settle, until } from '../../harness/turns.ts'

const noDisk = () => Promise.reject(new Error('no disk'))

describe('the log as a leader’s and as a follower’s', () => {
  let platform: FakePlatform

  beforeEach(() => {
    clearIndexedDb()
    platform = createFakePlatform()
  })

  /** The log of one hub of a browser: all share one database, unless `open` says otherwise. */
  const open = async (
    opening: (onLost: () => void) => Promise<LogStore> = (onLost) => openLogStore('log', onLost),
  ) => {
    const told: Committed[] = []
    let fenced = 0
    let truncated = 0
    let changes = 0
    const log = createLog({
      platform,
      open: opening,
      bounds: BOUNDS,
      dedupe: true,
      metrics: createMetrics(),
      onChange: () => changes++,
      hasFollowers: () => false,
      onCommitted: (each) => told.push(each),
      onClaims: () => {},
      onTruncate: () => truncated++,
      onFenced: () => fenced++,
      onDurable: () => {},
    })
    await log.ready
    return Object.assign(log, {
      told,
      fenced: () => fenced,
      truncated: () => truncated,
      changes: () => changes,
    })
  }
  const leader = async (opening?: () => Promise<LogStore>) => {
    const log = await open(opening)
    await log.lead(0)
    return log
  }
  /** What the leader says of itself. */
  const say = (log: Log): [Position, number] => [structuredClone(log.position()), log.first()]
  /** What it relays of its events after `after`. */
  const relay = async (log: Log, after: number) => {
    const { term, epoch, lastEventId } = log.position()
    return [{ term, epoch, after, events: await readAll(log, after) }, lastEventId] as const
  }

  describe('lead', () => {
    it('L3 takes a term above the stored one and above any heard of, under a new id', async () => {
      platform.setRandom(0)
      const one = await open()
      expect(await one.lead(0)).toBe(1)
      one.follow()
      expect(await one.lead(5)).toBe(6)
      const two = await open()
      expect(await two.lead(3)).toBe(7)
      const leaders = two.position().leaders.map((each) => each.leader)
      expect([leaders.length, new Set(leaders).size]).toEqual([3, 3])
      expect(two.position().leader).toBe(leaders[2])
    })

    it('L3 where it leads already, above what it has heard of meanwhile: its log goes on', async () => {
      platform.setRandom(0)
      const one = await leader(noDisk)
      await one.append(events(1, 3))
      const before = one.lineage()
      expect(await one.lead(7)).toBe(8)
      expect(one.lineage()).toEqual({ ...before, term: 8 })
      expect(await one.append(events(4, 4))).toBe(1)
    })

    it('L3 and never the same as another that counts from the same number, so that one of them is the higher', async () => {
      const one = await open(noDisk)
      const two = await open(noDisk)
      platform.setRandom(0.4)
      expect(await one.lead(3)).toBe(4.4)
      platform.setRandom(0.7)
      expect(await two.lead(3)).toBe(4.7)
      platform.setRandom(0.1)
      expect(await one.lead(4.7)).toBe(5.1)
    })

    it('L3 and fences off the one before: its next write is refused, and it appends no more', async () => {
      const one = await leader()
      const two = await leader()
      await one.append(events(1, 1))
      await platform.advance(0)
      await until(() => one.fenced() === 1)
      expect(await one.append(events(2, 2))).toBe(0)
      await two.append(events(1, 1))
      await committed(two, platform)
      expect(two.fenced()).toBe(0)
    })

    it('L3 is refused if another has written since it read: that one’s events stay', async () => {
      const one = await leader()
      const gate = defer<void>()
      let held = false
      const two = await open(async () => {
        const store = await openLogStore('log', () => {})
        return {
          ...store,
          async commit(given) {
            held = true
            await gate.promise
            return store.commit(given)
          },
        }
      })
      // It has read, and is frozen; meanwhile it is robbed, or taken for the leader that it no longer is.
      const claim = two.lead(8)
      await until(() => held)
      await one.append(events(1, 3))
      await committed(one, platform)
      gate.resolve()
      expect(await claim).toBeNull()
      expect(two.fenced()).toBe(1)
      await one.append(events(4, 4))
      await committed(one, platform)
      expect(one.fenced()).toBe(0)
      expect(ids(await readAll(await open()))).toEqual(['1', '2', '3', '4'])
    })

    it('D2 goes on from what is committed: the rest comes again from the server', async () => {
      const one = await leader()
      await one.append(events(1, 3))
      await committed(one, platform)
      const two = await open()
      await two.lead(0)
      expect([two.head(), two.lastEventId(), two.position().leaders.at(-1)!.startsAfter]).toEqual([3, '3', 3])
    })
  })

  it('L3 undoLead takes the claim back: it appends nothing, and the next term is counted from before', async () => {
    platform.setRandom(0)
    const log = await open(noDisk)
    const before = structuredClone(log.position())
    await log.lead(0)
    log.undoLead()
    expect(log.position()).toEqual(before)
    expect(await log.append(events(1, 1))).toBe(0)
    expect(await log.lead(0)).toBe(1)
  })

  it('follow: a leader that steps down appends nothing more, and neither restarts nor commits', async () => {
    const log = await leader()
    await log.append(events(1, 2))
    await committed(log, platform)
    log.follow()
    expect(await log.append(events(3, 3))).toBe(0)
    await log.restart('server', '')
    expect([log.head(), log.lastEventId()]).toEqual([2, '2'])
  })

  describe('L2 receive', () => {
    it('takes what the leader relays, in order and once', async () => {
      const one = await leader()
      const two = await open()
      await two.align(...say(one))
      await one.append(events(1, 3))
      const all = await relay(one, 0)
      expect(await two.receive(...all)).toBe(true)
      expect(await two.receive(...all)).toBe(true)
      expect(ids(await readAll(two))).toEqual(['1', '2', '3'])
      expect(two.lastEventId()).toBe('3')
    })

    it('refuses what does not fit: a hole, another epoch, a term that it is not in line with', async () => {
      const one = await leader()
      const two = await open()
      await two.align(...say(one))
      await one.append(events(1, 3))
      const [given, id] = await relay(one, 1)
      expect(await two.receive(given, id)).toBe(false)
      const [whole] = await relay(one, 0)
      expect(await two.receive({ ...whole, epoch: 'another' }, id)).toBe(false)
      expect(await two.receive({ ...whole, term: 2 }, id)).toBe(false)
      expect([two.head(), await readAll(two)]).toEqual([0, []])
    })

    it('is nothing to one that leads', async () => {
      const one = await leader()
      const [given] = await relay(one, 0)
      const more = {
        ...given,
        events: [{ seq: 1, id: '9', hasOwnId: true, type: 'a', data: '', at: 0, topic: null }],
      }
      expect(await one.receive(more, '9')).toBe(true)
      expect(one.head()).toBe(0)
    })
  })

  it('L2 committedBy keeps the leader’s account, so that what left memory is read from IndexedDB', async () => {
    const one = await leader()
    const two = await open()
    await two.align(...say(one))
    await one.append(events(1, 1_500))
    await two.receive(...(await relay(one, 0)))
    await committed(one, platform)
    expect(two.committed()).toBe(0)
    for (const each of one.told) {
      const { term, epoch } = one.position()
      await two.committedBy({ ...each, term: term - 1, epoch })
      expect(two.committed()).toBe(0)
    }
    for (const each of one.told) await two.committedBy({ ...each, ...one.position() })
    expect(two.committed()).toBe(1_500)
    expect(await readAll(two)).toHaveLength(1_500)
  })

  it('D1 who waits for a commit is told at the follower once the leader has committed, and only then', async () => {
    const one = await leader()
    const two = await open()
    await two.align(...say(one))
    await one.append(events(1, 3))
    await two.receive(...(await relay(one, 0)))
    two.awaitCommit()
    const before = two.changes()
    await committed(one, platform)
    expect(two.changes()).toBe(before)
    for (const each of one.told) await two.committedBy({ ...each, ...one.position() })
    expect([two.changes(), two.committed()]).toEqual([before + 1, 3])
    for (const each of one.told) await two.committedBy({ ...each, ...one.position() })
    expect(two.changes()).toBe(before + 1)
  })

  it('D4 committedBy tells of what was never relayed, but is in IndexedDB: no other event may come for long', async () => {
    const one = await leader()
    const two = await open()
    await two.align(...say(one))
    await one.append(events(1, 3))
    await committed(one, platform)
    one.told.length = 0
    await one.append(events(4, 6))
    await committed(one, platform)
    const before = two.changes()
    for (const each of one.told) await two.committedBy({ ...each, ...one.position() })
    expect(two.head()).toBe(6)
    expect(two.changes()).toBeGreaterThan(before)
  })

  describe('recall, where IndexedDB says nothing', () => {
    const at = (seq: number, id: string | null = String(seq), leader = 'dead') => ({
      cursor: { epoch: 'e', seq },
      lineage: {
        term: 3,
        leaders: [{ leader, startsAfter: 0, lastEventId: '' }],
        committedUpTo: 0,
        lastEventId: id,
        streamClient: 'client',
      },
    })

    it('D2 goes on from where a tab of the dead hub is', async () => {
      const one = await open(noDisk)
      one.recall(at(7))
      expect([one.head(), one.lastEventId(), one.epoch()]).toEqual([7, '7', 'e'])
    })

    it('D1 and from where the one is that is furthest behind: the hub hung between the two', async () => {
      const one = await open(noDisk)
      for (const seq of [7, 5, 6]) one.recall(at(seq))
      expect([one.head(), one.lastEventId()]).toEqual([5, '5'])
    })

    it.each([
      ['is of another leader', at(5, '5', 'earlier')],
      ['does not know its id', at(5, null)],
    ])('but not from one that %s', async (_, tab) => {
      const one = await open(noDisk)
      one.recall(at(7))
      one.recall(tab)
      expect(one.head()).toBe(7)
    })

    it('D4 and a tab that came before, to a log in which nothing was yet, hears no reset', async () => {
      const one = await open(noDisk)
      const before = { epoch: one.epoch(), seq: 0 }
      one.recall(at(7))
      expect(placeCursor(one.facts(), before)).toEqual({ cursor: { epoch: 'e', seq: 7 }, reset: null })
    })

    it('nor from one that comes once the log goes on', async () => {
      const one = await open(noDisk)
      one.recall(at(7))
      await one.lead(3)
      one.recall(at(5))
      expect(one.head()).toBe(7)
    })
  })

  describe('align', () => {
    it('L3 drops what the next leader’s log does not have, and says what is missing', async () => {
      const one = await leader(noDisk)
      const two = await open(noDisk)
      const three = await open(noDisk)
      await one.append(events(1, 3))
      for (const each of [two, three]) {
        await each.align(...say(one))
        await each.receive(...(await relay(one, 0)))
      }
      await one.append([event('4'), event('5')])
      await three.receive(...(await relay(one, 3)))
      await two.lead(1)
      expect(await three.align(...say(two))).toBe(false)
      expect([three.head(), three.lastEventId()]).toEqual([3, '3'])
      await two.append(events(4, 6))
      expect(await three.align(...say(two))).toBe(true)
      await three.receive(...(await relay(two, 3)))
      expect(ids(await readAll(three))).toEqual(['1', '2', '3', '4', '5', '6'])
    })

    it('L3 over several leaders, keeps what all of them kept', async () => {
      const one = await leader(noDisk)
      await one.append(events(1, 4))
      const away = await open(noDisk)
      await away.align(...say(one))
      await away.receive(...(await relay(one, 0)))
      let last: Log = one
      for (const head of [3, 3, 4]) {
        const next = await open(noDisk)
        await next.align(...say(last))
        const [given, id] = await relay(last, 0)
        await next.receive({ ...given, events: given.events.slice(0, head) }, id)
        // It never heard of more than it holds.
        await next.align({ ...say(last)[0], head: Math.min(head, next.head()) }, 1)
        await next.lead(last.position().term)
        await next.append([event(`by ${next.position().term}`)])
        last = next
      }
      await away.align(...say(last))
      expect(ids(await readAll(away))).toEqual(['1', '2', '3'])
    })

    it('a leader of an earlier term that wakes up changes nothing', async () => {
      const one = await leader(noDisk)
      const two = await open(noDisk)
      const stale = say(one)
      await two.align({ ...stale[0], term: 4, leader: 'later' }, 1)
      expect(await two.align({ ...stale[0], head: 9 }, 1)).toBe(false)
      expect(two.position()).toMatchObject({ term: 4, leader: 'later' })
    })

    it('D4 skips what the leader has trimmed', async () => {
      const two = await open(noDisk)
      const one = await leader(noDisk)
      expect(await two.align({ ...say(one)[0], head: 20 }, 11)).toBe(true)
      expect([two.first(), two.head()]).toEqual([11, 10])
    })

    it('D1 goes along with a restart, and tells cursors of the epoch before why', async () => {
      const one = await leader(noDisk)
      const two = await open(noDisk)
      await one.append(events(1, 3))
      await two.align(...say(one))
      await two.receive(...(await relay(one, 0)))
      const cursor = { epoch: two.epoch(), seq: 3 }
      await one.restart('server', 'here')
      await two.align(...say(one))
      expect([two.epoch(), two.lastEventId()]).toEqual([one.epoch(), 'here'])
      expect(placeCursor(two.facts(), cursor)).toMatchObject({
        cursor: { epoch: one.epoch(), seq: 3 },
        reset: 'server',
      })
    })
  })

  it('S1 what the leader’s stream is known by is a follower’s too, of the same log as well, and its tabs hear of it', async () => {
    const lead = await leader(noDisk)
    const follower = await open(noDisk)
    follower.recall({
      cursor: { epoch: lead.epoch(), seq: 0 },
      lineage: { ...lead.lineage(), lastEventId: '', streamClient: 'before' },
    })
    const before = follower.changes()
    await follower.align(...say(lead))
    expect(follower.streamClient()).toBe(lead.streamClient())
    expect(follower.changes()).toBeGreaterThan(before)
  })

  describe('without IndexedDB, one that has heard of more than it holds', () => {
    it('D1 leads on behind that, after the id that goes with it: who lacks it is told', async () => {
      const one = await leader(noDisk)
      await one.append(events(1, 5))
      const two = await open(noDisk)
      const cursor = { epoch: one.epoch(), seq: 2 }
      expect(await two.align(...say(one))).toBe(true)
      await two.lead(1)
      expect([two.head(), two.lastEventId(), two.position().leaders.at(-1)!.startsAfter]).toEqual([5, '5', 5])
      expect(placeCursor(two.facts(), cursor).reset).toBe('fell-behind')
      expect(placeCursor(two.facts(), { ...cursor, seq: 5 }).reset).toBeNull()
    })

    it('and one that can read it resumes after the id of the last event that it has', async () => {
      const one = await leader()
      await one.append(events(1, 3))
      await committed(one, platform)
      const two = await open()
      await two.align({ ...say(one)[0], head: 9, lastEventId: '9' }, 1)
      await two.lead(1)
      expect([two.head(), two.lastEventId()]).toEqual([3, '3'])
    })
  })

  describe('where a tab goes on that comes from another hub', () => {
    const cursorAt = (log: Log, seq: number) => ({ epoch: log.epoch(), seq })

    it('L3 of the same leader: at its cursor, even if this hub is behind', async () => {
      const one = await leader()
      await one.append(events(1, 5))
      await committed(one, platform)
      const two = await open()
      expect(placeFormerTab(two.facts(), cursorAt(two, 7), one.lineage()).cursor.seq).toBe(7)
    })

    it('L3 of one that this hub has not heard of yet: at its cursor', async () => {
      const one = await leader()
      await one.append(events(1, 2))
      await committed(one, platform)
      const lineage = {
        term: 9,
        leaders: [{ leader: 'later', startsAfter: 0, lastEventId: '' }],
        committedUpTo: 0,
        lastEventId: null,
        streamClient: 'client',
      }
      expect(placeFormerTab(one.facts(), cursorAt(one, 5), lineage).cursor.seq).toBe(5)
    })

    it('L3 of an earlier one: where the next began, over any number of leaders up to 16', async () => {
      const one = await leader()
      await one.append(events(1, 4))
      await committed(one, platform)
      const lineage = { ...one.lineage(), committedUpTo: 0 }
      let last = one
      for (let leaders = 1; leaders <= 17; leaders++) {
        last = await leader()
        await last.append([event(null, `${leaders}`)])
        await committed(last, platform)
        // Beyond that: what it was told is committed.
        expect(placeFormerTab(last.facts(), cursorAt(last, 9), lineage).cursor.seq, `${leaders}`).toBe(
          leaders < 16 ? 4 : 0,
        )
      }
    })

    it('L3 of another that counted to the same term, without having heard of this one: what it knows committed', async () => {
      const one = await leader()
      await one.append(events(1, 5))
      await committed(one, platform)
      const lineage = {
        ...one.lineage(),
        leaders: [{ leader: 'in memory', startsAfter: 0, lastEventId: '' }],
        committedUpTo: 2,
      }
      expect(placeFormerTab(one.facts(), cursorAt(one, 5), lineage).cursor.seq).toBe(2)
    })

    it('L3 of one that went on with less, without IndexedDB: where either began', async () => {
      const one = await leader()
      await one.append(events(1, 5))
      await committed(one, platform)
      const trailed = one.lineage()
      const place = (startsAfter: number) => {
        const lineage = {
          ...trailed,
          leaders: [...trailed.leaders, { leader: 'another', startsAfter, lastEventId: '' }],
          lastEventId: null,
        }
        return placeFormerTab(one.facts(), cursorAt(one, 5), lineage).cursor.seq
      }
      expect([3, 0].map(place)).toEqual([3, 0])
    })
  })

  it('L3 a leader without IndexedDB that finds another of its term there, once it is back, gives way', async () => {
    platform.setRandom(0)
    let broken = true
    const one = await open((onLost) => (broken ? noDisk() : openLogStore('log', onLost)))
    await one.lead(0)
    const two = await leader()
    await two.append(events(1, 2))
    await committed(two, platform)
    broken = false
    await platform.advance(1_100)
    await until(() => one.fenced() === 1)
    await settle()
    expect(await one.append(events(1, 1))).toBe(0)
    await two.append(events(3, 3))
    await committed(two, platform)
    expect(two.fenced()).toBe(0)
  })

  it('D4 one that found IndexedDB empty, as site data had been cleared, and leads later, deletes nothing that the leader between has written', async () => {
    const lost: (() => void)[] = []
    const reopened = (onLost: () => void) => {
      lost.push(onLost)
      return openLogStore('log', onLost)
    }
    const one = await open(reopened)
    await one.lead(0)
    await one.append(events(1, 3))
    await committed(one, platform)
    const two = await open(reopened)
    await two.align(...say(one))
    clearIndexedDb()
    lost[1]!()
    await platform.advance(1_100)
    await settle()
    lost[0]!()
    await platform.advance(1_100)
    await one.append(events(4, 6))
    await committed(one, platform)
    await two.lead(0)
    await two.append(events(7, 7))
    await committed(two, platform)
    const three = await open()
    expect(ids(await readAll(three))).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  })
})
