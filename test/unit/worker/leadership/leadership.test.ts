import { beforeEach, describe, expect, it } from 'vitest'
import type { ConnectionStatus, ErrorData } from '../../../../src/shared/status.ts'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import type { HubMessage, Relayed } from '../../../../worker/leadership/hub-messages.ts'
import { createLeadership } from '../../../../worker/leadership/leadership.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle } from '../../harness/turns.ts'

const KEY = 'tabstream:ann@https://app.test/stream'
const LOCK = `tabstream:leader:${KEY}`
const PROTOCOL = 5

const position = {
  term: 0,
  leader: '',
  leaders: [],
  epoch: 'epoch',
  head: 0,
  lastEventId: '',
  previous: null,
  epochStart: 0,
  streamClient: 'client',
}
const status: ConnectionStatus = {
  state: 'open',
  attempt: 0,
  nextAttemptAt: null,
  since: 0,
  health: 'good',
  resume: 'fresh',
  error: null,
}
const event = { seq: 1, id: '1', hasOwnId: true, type: 'message', data: 'x', at: 0, topic: null }

describe('leadership', () => {
  let platform: FakePlatform
  let said: Relayed[]
  let speak: (message: HubMessage, protocol?: number) => void

  beforeEach(() => {
    platform = createFakePlatform()
    said = []
    const channel = platform.channels.open(KEY, (message) => said.push(message as Relayed))
    speak = (message, protocol = PROTOCOL) => channel.post({ ...message, protocol } as Relayed)
  })

  /** One hub's, over a log that only writes down what is asked of it. */
  const open = (where = position, listenFor = 0) => {
    const calls: string[] = []
    let terms = [] as (number | null | Error)[]
    let queries = 0
    let inView = false
    const messages: string[] = []
    const note =
      <T>(name: string, answer: T) =>
      (...args: unknown[]): T => {
        calls.push(args.length === 0 ? name : `${name} ${JSON.stringify(args)}`)
        return answer
      }
    const leadership = createLeadership({
      platform: {
        ...platform,
        locks: {
          ...platform.locks,
          query: () => {
            queries++
            return platform.locks.query()
          },
        },
      },
      protocol: PROTOCOL,
      key: KEY,
      hub: 'own',
      listenFor,
      wanted: () => [],
      onWants: () => {},
      claimants: () => [],
      onClaimants: () => {},
      onClaimWord: () => {},
      log: {
        position: () => where,
        lineage: () => ({
          term: where.term,
          leaders: where.leaders,
          committedUpTo: 0,
          lastEventId: where.lastEventId,
          streamClient: where.streamClient,
        }),
        first: () => 1,
        read: () => [],
        lead: async (seen) => {
          calls.push(`lead after ${seen}`)
          const answer = terms.length > 0 ? terms.shift()! : seen + 1
          if (answer instanceof Error) throw answer
          return answer
        },
        recall: note('recall', undefined),
        undoLead: note('undoLead', undefined),
        follow: note('follow', undefined),
        receive: async ({ events }) => note(`receive ${events.map(({ seq }) => seq)}`, true)(),
        committedBy: async ({ upTo }) => note(`committed ${upTo}`, undefined)(),
        align: async ({ term }) => note(`align ${term}`, false)(),
        heedClaims: async () => {},
        flush: async () => note('flush', undefined)(),
      },
      prepare: () => {},
      setStreaming: (streaming) => void calls.push(streaming ? 'stream' : 'no stream'),
      isInView: () => inView,
      onInView: () => calls.push('in view'),
      connectionStatus: () => status,
      onStatus: () => {},
      onError({ message, cause }) {
        calls.push(`failed ${cause}`)
        messages.push(message)
      },
      onCommand: note('command', undefined),
      onSignOut: () => {},
      onSuperseded: note('superseded', undefined),
      metrics: { error: () => {} },
      errorOf: (message, cause) => ({ message, cause: String(cause) }) as ErrorData,
    })
    return {
      ...leadership,
      calls,
      /** What happened since the last look. */
      news: () => calls.splice(0),
      queries: () => queries,
      setInView(value: boolean) {
        inView = value
      },
      /** What it told of failures. */
      messages,
      answerLead: (...given: (number | null | Error)[]) => {
        terms = given
      },
    }
  }
  const types = () => said.splice(0).map(({ type }) => type)

  it('L1 the first to ask has the lock, reads the log, then streams; the next one follows', async () => {
    const one = open()
    one.join(null)
    await settle()
    expect([one.role(), one.news()]).toEqual(['leader', ['lead after 0', 'stream']])
    const two = open()
    two.join(null)
    await settle()
    // The leader has told it at once where its log stands.
    expect([two.role(), two.news()]).toEqual(['follower', ['align 0']])
  })

  it('S1 leaving ends the stream, commits what is left, and passes the lock on once the browser has closed it', async () => {
    const one = open()
    const two = open()
    one.join(null)
    two.join(null)
    await settle()
    one.news()
    void one.leave()
    await settle()
    expect(one.news()).toEqual(['no stream', 'flush', 'follow'])
    await platform.advance(CLOSE_GRACE - 1)
    expect(two.news()).not.toContain('lead after 1')
    await platform.advance(1 + CLOSE_GRACE)
    expect(two.role()).toBe('leader')
  })

  it('S1 waits for the stream of a hub that died: it has heard nothing of it, but its tab has', async () => {
    const one = open()
    one.join({
      cursor: { epoch: 'e', seq: 1 },
      lineage: {
        term: 4,
        leaders: [{ leader: 'dead', startsAfter: 0, lastEventId: '' }],
        committedUpTo: 0,
        lastEventId: '1',
        streamClient: 'client',
      },
    })
    await platform.advance(CLOSE_GRACE - 1)
    expect(one.news()).toEqual([])
    await platform.advance(1)
    expect(one.news()).toEqual(['lead after 4', 'stream'])
  })

  it('H2 a follower says once a beat whether a tab of it is in view, and the leader is told', async () => {
    const one = open()
    const two = open()
    one.join(null)
    two.join(null)
    await settle()
    one.news()
    said.splice(0)
    await platform.advance(1_000)
    expect(said.filter(({ type }) => type === 'hello')).toEqual([
      { type: 'hello', hub: 'own', topics: [], protocol: PROTOCOL },
    ])
    expect(one.news()).toEqual([])
    two.setInView(true)
    await platform.advance(2_000)
    expect(one.news()).toEqual(['in view', 'in view'])
    expect(two.news()).not.toContain('in view')
  })

  it('L2 relays to nobody until a follower says hello, and to no one that has been silent for 5 s', async () => {
    const one = open()
    one.join(null)
    await settle()
    types()
    one.relayEvents({ after: 0, events: [event] })
    await settle()
    expect(types()).toEqual([])
    speak({ type: 'hello', hub: 'other', topics: [] })
    await settle()
    one.relayEvents({ after: 0, events: [event] })
    one.relayCommitted({ upTo: 1, records: [], first: 1 })
    one.relayStatus(status)
    await settle()
    expect(types()).toEqual(['events', 'committed', 'status'])
    await platform.advance(4_900)
    types()
    one.relayStatus(status)
    await settle()
    expect(types()).toEqual(['status'])
    await platform.advance(200)
    types()
    one.relayStatus(status)
    await platform.advance(5_000)
    expect(types()).toEqual([])
  })

  it('L2 answers all that say hello at once with one message', async () => {
    open().join(null)
    await settle()
    types()
    for (let followers = 20; followers > 0; followers--) speak({ type: 'hello', hub: 'other', topics: [] })
    await platform.advance(100)
    expect(types()).toEqual(['leading'])
  })

  it('L2 a follower hands its log what the leader says, and asks for what is missing', async () => {
    platform.locks.hold(LOCK)
    const two = open()
    two.join(null)
    await settle()
    speak({ type: 'leading', term: 3, position: { ...position, term: 3 }, first: 1, status })
    speak({ type: 'events', term: 3, epoch: 'epoch', after: 0, events: [event], lastEventId: '1' })
    speak({ type: 'committed', term: 3, epoch: 'epoch', upTo: 1, records: [], first: 1 })
    await settle()
    expect(two.news()).toEqual(['align 3', 'receive 1', 'committed 1'])
    expect(two.leaderStatus()).toEqual(status)
    expect(two.tellLeader('retry')).toBe(true)
    await settle()
    expect(types()).toContain('command')
  })

  it('L3 what carries a lower term than was heard is not delivered', async () => {
    platform.locks.hold(LOCK)
    const two = open()
    two.join(null)
    await settle()
    speak({ type: 'leading', term: 3, position: { ...position, term: 3 }, first: 1, status })
    speak({ type: 'events', term: 2, epoch: 'epoch', after: 0, events: [event], lastEventId: '1' })
    speak({ type: 'committed', term: 2, epoch: 'epoch', upTo: 1, records: [], first: 1 })
    await settle()
    expect(two.news()).toEqual(['align 3'])
  })

  it('L3 a leader that hears a higher term, or of one that takes over, steps down and follows; it leads again after its silence', async () => {
    for (const message of [
      { type: 'leading', term: 9, position: { ...position, term: 9 }, first: 1, status },
      { type: 'claim', claim: 9.5 },
    ] as const) {
      const one = open()
      one.join(null)
      await settle()
      one.news()
      speak(message)
      await settle()
      expect(one.role()).toBe('follower')
      expect(one.news().slice(0, 2)).toEqual(['no stream', 'follow'])
      // Its lock was not taken: the other's is of another lock manager, and this one's excludes nobody.
      for (let beat = 0; beat < 10; beat++) {
        await platform.advance(1_000)
        speak({ type: 'leading', term: 9, position: { ...position, term: 9 }, first: 1, status })
        await settle()
      }
      expect(one.role()).toBe('follower')
      await platform.advance(10_000)
      expect(one.role()).toBe('leader')
      expect(one.news()).toContain('lead after 9')
      await one.leave()
      await platform.advance(CLOSE_GRACE)
    }
  })

  it('L3 robbed of the lock it ends its stream at once, and leads again only with a term above the thief’s', async () => {
    const one = open()
    one.join(null)
    await settle()
    one.news()
    let letGo = () => {}
    void platform.locks
      .request(LOCK, { steal: true }, () => new Promise<void>((done) => (letGo = done)))
      .catch(() => {})
    await settle()
    expect([one.role(), one.news()]).toEqual(['follower', ['no stream', 'follow']])
    speak({ type: 'leading', term: 2, position: { ...position, term: 2 }, first: 1, status })
    await settle()
    letGo()
    await platform.advance(CLOSE_GRACE)
    expect(one.news()).toEqual(['align 2', 'lead after 2', 'stream'])
  })

  it('L3 a claim that the log refuses is no leadership: the lock passes on, and it queues again', async () => {
    const one = open()
    const two = open()
    one.answerLead(null, 7)
    one.join(null)
    two.join(null)
    await settle()
    expect(one.news()).toEqual(['lead after 0', 'undoLead'])
    // It has heard of a claim, and waits until that hub's stream is closed.
    await platform.advance(CLOSE_GRACE)
    expect([two.role(), two.news()]).toEqual(['leader', ['lead after 0', 'stream']])
    await two.leave()
    await platform.advance(2 * CLOSE_GRACE)
    expect([one.role(), one.news().slice(-2)]).toEqual(['leader', ['lead after 1', 'stream']])
  })

  it('L4 a leader that it has never heard is robbed after 2 s, one that it has after 5 s', async () => {
    for (const [heard, limit] of [
      [false, 1_900],
      [true, 5_000],
    ] as const) {
      platform.locks.kill(LOCK)
      platform.locks.hold(LOCK)
      const two = open()
      two.join(null)
      await settle()
      if (heard) speak({ type: 'leading', term: 3, position: { ...position, term: 3 }, first: 1, status })
      await platform.advance(limit)
      expect(two.role()).toBe('follower')
      await platform.advance(1_100)
      expect(two.role()).toBe('leader')
      await two.leave()
    }
  })

  it('L4 a leader that gives signs keeps the lock, and one that reads the log first does too', async () => {
    platform.locks.hold(LOCK)
    const two = open()
    two.join(null)
    for (let seconds = 20; seconds > 0; seconds--) {
      speak(
        seconds % 2 === 0
          ? { type: 'claim', claim: 4 }
          : { type: 'leading', term: 3, position: { ...position, term: 3 }, first: 1, status },
      )
      await platform.advance(1_000)
    }
    expect(two.role()).toBe('follower')
  })

  it('L5 a follower that knows more than the one that takes over says so, and that one goes on from there', async () => {
    platform.locks.hold(LOCK)
    const follower = open({ ...position, term: 5, head: 7, lastEventId: 'seventh' })
    follower.join(null)
    await settle()
    said.length = 0
    speak({ type: 'claim', claim: 5.5 })
    await settle()
    expect(said).toEqual([])
    speak({ type: 'claim', claim: 0.5 })
    await settle()
    const [newer] = said
    expect(newer).toMatchObject({
      type: 'newer-log',
      cursor: { seq: 7 },
      lineage: { term: 5, lastEventId: 'seventh' },
    })
    // To who has taken over already it says nothing any more.
    speak(newer as HubMessage)
    await settle()
    expect(follower.news()).toEqual([])
    follower.leave()
  })

  it('L5 one that knows of no log listens before it leads: to what others know, and to a leader it gives way', async () => {
    const one = open(position, 100)
    one.join(null)
    await settle()
    expect(one.role()).toBe('follower')
    const cursor = { epoch: 'other', seq: 7 }
    const lineage = {
      term: 5,
      leaders: [{ leader: 'other', startsAfter: 0, lastEventId: '' }],
      committedUpTo: 0,
      lastEventId: '7',
      streamClient: 'client',
    }
    speak({ type: 'newer-log', cursor, lineage: lineage })
    await settle()
    expect(one.news()).toEqual([expect.stringMatching(/^recall .*"seq":7/)])
    await platform.advance(100)
    expect([one.role(), one.news()]).toEqual(['leader', ['lead after 5', 'stream']])
    const two = open(position, 100)
    await one.leave()
    await platform.advance(CLOSE_GRACE)
    two.join(null)
    await settle()
    speak({ type: 'leading', term: 3, position: { ...position, term: 3 }, first: 1, status })
    await platform.advance(1_000)
    expect([two.role(), two.news()]).toEqual(['follower', ['align 3']])
  })

  it('L5 P10 the time in which a hub opens its log counts as listening', async () => {
    const one = open(position, 100)
    one.listen()
    await settle()
    expect([types(), platform.locks.isHeld(LOCK)]).toEqual([['who-leads'], false])
    await platform.advance(70)
    one.join(null)
    await platform.advance(29)
    expect([types(), one.role(), one.news()]).toEqual([['claim'], 'follower', []])
    await platform.advance(1)
    expect([one.role(), one.news()]).toEqual(['leader', ['lead after 0', 'stream']])
  })

  it('L5 P10 a hub whose log took longer to open than it listens does not wait', async () => {
    const one = open(position, 100)
    one.listen()
    await platform.advance(101)
    one.join(null)
    await settle()
    expect([one.role(), platform.timers()]).toEqual(['leader', 0])
  })

  it('L5 what a hub hears while it opens its log counts: it follows a leader whose lock it does not see', async () => {
    const one = open(position, 100)
    one.listen()
    await settle()
    speak({ type: 'leading', term: 3, position: { ...position, term: 3 }, first: 1, status })
    await settle()
    expect([one.news(), one.leaderStatus()]).toEqual([['align 3'], status])
    one.join(null)
    await settle()
    types()
    // The lock is its own, of another manager: the leader outranks its claim.
    speak({ type: 'leading', term: 3, position: { ...position, term: 3 }, first: 1, status })
    await platform.advance(1_000)
    expect([one.role(), one.news()]).toEqual(['follower', ['align 3']])
  })

  it('L5 a leader answers at once who asks who leads, and so does a hub that claims', async () => {
    const one = open(position, 100)
    one.join(null)
    await settle()
    types()
    speak({ type: 'who-leads' })
    await settle()
    expect(types()).toEqual(['claim'])
    await platform.advance(100)
    types()
    speak({ type: 'who-leads' })
    await settle()
    expect(types()).toEqual(['leading'])
    // It is a follower from here on.
    one.relayStatus(status)
    await settle()
    expect(types()).toEqual(['status'])
  })

  it('L5 a leader says that it leads to one that takes over and knows less, and stays', async () => {
    const one = open()
    one.join(null)
    await settle()
    one.news()
    said.length = 0
    speak({ type: 'claim', claim: 0.5 })
    await settle()
    expect([one.role(), one.news()]).toEqual(['leader', []])
    expect(said.map(({ type }) => type)).toEqual(['leading'])
  })

  describe('L3 a leader that counted from too low, for want of IndexedDB, leads anew, above what others know of', () => {
    const told = {
      cursor: { epoch: 'e', seq: 7 },
      lineage: {
        term: 5,
        leaders: [{ leader: 'dead', startsAfter: 0, lastEventId: '' }],
        committedUpTo: 0,
        lastEventId: '7',
        streamClient: 'client',
      },
    }

    it('told by its own tab, once', async () => {
      const one = open()
      one.join(null)
      await settle()
      one.news()
      one.join(told)
      one.join(told)
      await settle()
      expect(one.news()).toEqual(['lead after 5', 'stream'])
      one.join({ ...told, lineage: { ...told.lineage, term: 6 } })
      await settle()
      expect([one.role(), one.news()]).toEqual(['leader', []])
    })

    it('told by a follower, whose tab knows of it, and which is not led before that', async () => {
      const one = open()
      one.join(null)
      await settle()
      one.news()
      const two = open()
      two.join(told)
      await platform.advance(1_000)
      expect(one.news()).toEqual(['lead after 5', 'stream'])
      const words = said.filter(({ type }) => type === 'newer-log' || type === 'leading')
      expect(words.slice(0, 4)).toMatchObject([{ term: 1 }, { term: 1 }, told, { term: 6 }])
    })
  })

  it('L4 one hub robs at most once in 30 s', async () => {
    platform.locks.hold(LOCK)
    const two = open()
    two.join(null)
    await platform.advance(4_000)
    expect(two.role()).toBe('leader')
    const robbedAt = platform.now()
    void platform.locks.request(LOCK, { steal: true }, () => new Promise(() => {})).catch(() => {})
    await settle()
    expect(two.role()).toBe('follower')
    // It took the lock in the fourth second.
    await platform.advance(28_000)
    expect(two.role()).toBe('follower')
    while (two.role() === 'follower' && platform.now() - robbedAt < 60_000) await platform.advance(500)
    expect(platform.now() - robbedAt).toBeLessThan(31_000)
  })

  it('L3 after a freeze it asks the lock manager before it appends, even if a beat came first', async () => {
    const one = open()
    one.join(null)
    await settle()
    expect([await one.leads(), one.queries()]).toEqual([true, 0])
    // Its beats, of which there are some while a follower is there, show that it ran.
    speak({ type: 'hello', hub: 'other', topics: [] })
    await platform.advance(4_900)
    expect([await one.leads(), one.queries()]).toEqual([true, 0])
    // Nothing ran, and nothing was told meanwhile.
    platform.setClock(60_000)
    await platform.advance(1_000)
    expect([await one.leads(), one.queries()]).toEqual([true, 1])
    expect([await one.leads(), one.queries()]).toEqual([true, 1])
  })

  it('P11 L3 one that leads alone has no timer, and asks the lock manager before it appends after a pause', async () => {
    const one = open()
    one.join(null)
    await settle()
    expect(platform.timers()).toBe(0)
    for (const [pause, asked] of [
      [1_000, 0],
      [1_400, 0],
      [1_600, 1],
      [100, 1],
      [3_600_000, 2],
    ] as const) {
      await platform.advance(pause)
      expect([pause, await one.leads(), one.queries()]).toEqual([pause, true, asked])
    }
    speak({ type: 'hello', hub: 'other', topics: [] })
    await platform.advance(2_000)
    expect(platform.timers()).toBe(1)
    await platform.advance(10_000)
    expect(platform.timers()).toBe(0)
  })

  it('L3 robbed while it was frozen, with nobody to beat for, it does not lead when it wakes', async () => {
    const one = open()
    one.join(null)
    await settle()
    platform.setClock(60_000)
    void platform.locks.request(LOCK, { steal: true }, () => new Promise(() => {})).catch(() => {})
    expect(await one.leads()).toBe(false)
  })

  it('L1 a lock that is refused at once is asked for again after a pause, ever longer ones up to 30 s', async () => {
    platform.locks.deny(true)
    let asked = 0
    const locks = platform.locks
    const request = locks.request
    locks.request = ((...args: Parameters<typeof request>) => {
      asked++
      return request(...args)
    }) as typeof request
    const one = open()
    one.join(null)
    await settle()
    expect(asked).toBe(1)
    expect(one.news()).toContain('failed SecurityError: The request was denied.')
    expect(one.messages).toEqual([expect.stringContaining('Web Lock')])
    // After 1, 2, 4, 8, 16 and twice 30 s; and the silence of a leader, once in 30 s, asks as well (L4).
    await platform.advance(91_000)
    expect(asked).toBeGreaterThanOrEqual(6)
    expect(asked).toBeLessThanOrEqual(12)
    platform.locks.deny(false)
    await platform.advance(30_000)
    expect([one.role(), one.news().at(-1)]).toEqual(['leader', 'stream'])
  })

  it('L1 what throws while a hub takes over is told and tried again, and other hubs have the lock meanwhile', async () => {
    const one = open()
    one.answerLead(new Error('no memory'))
    one.join(null)
    await settle()
    expect(one.news()).toEqual(['lead after 0', 'follow', 'failed Error: no memory', 'no stream', 'follow'])
    await platform.advance(CLOSE_GRACE)
    expect(platform.locks.isHeld(LOCK)).toBe(false)
    await platform.advance(1_000)
    expect([one.role(), one.news()]).toEqual(['leader', ['lead after 0', 'stream']])
  })

  it('L1 what throws while a leader begins a newer term is told and tried again as well', async () => {
    const one = open()
    one.join(null)
    await settle()
    one.news()
    one.answerLead(new Error('no memory'))
    speak({
      type: 'newer-log',
      cursor: { epoch: 'e', seq: 7 },
      lineage: { term: 5, leaders: [], committedUpTo: 0, lastEventId: '7', streamClient: 'client' },
    })
    await settle()
    expect([one.role(), one.news().slice(0, 3)]).toEqual([
      'follower',
      ['lead after 5', 'follow', 'failed Error: no memory'],
    ])
    await platform.advance(2_000)
    expect([one.role(), one.news().at(-1)]).toEqual(['leader', 'stream'])
  })

  it('T4 a hub that is closed says nothing any more: its channel is closed', async () => {
    const one = open()
    one.join(null)
    await settle()
    speak({ type: 'hello', hub: 'other', topics: [] })
    await settle()
    await one.close()
    types()
    // What comes late: a tab's command, a sign-out, a relayed event, and the answer to the hello.
    one.tellLeader('nudge')
    one.signOut()
    one.relayEvents({ after: 0, events: [event] })
    await platform.advance(1_000)
    expect(types()).toEqual([])
  })

  it('L3 a lock that came during a freeze is no leadership before the lock manager has answered', async () => {
    const letGo = platform.locks.hold(LOCK)
    const two = open()
    two.join(null)
    await settle()
    platform.setClock(60_000)
    letGo()
    await settle(2)
    void platform.locks.request(LOCK, { steal: true }, () => new Promise(() => {})).catch(() => {})
    await settle()
    expect(two.queries()).toBe(1)
    expect(two.news()).toEqual([])
  })

  it('T4 hears of a newer protocol once, has a last word, and reads nothing else of it', async () => {
    const one = open()
    one.join(null)
    await settle()
    one.news()
    types()
    for (let times = 3; times > 0; times--)
      speak({ type: 'something of its own' } as unknown as HubMessage, PROTOCOL + 1)
    await settle()
    // Its own stream ends first, whatever the hub does about it.
    expect(one.news()).toEqual([
      'no stream',
      'flush',
      `superseded ${JSON.stringify([PROTOCOL + 1])}`,
      'follow',
    ])
    expect(types()).toEqual(['hello'])
    one.join(null)
    await platform.advance(10_000)
    expect([one.role(), one.news(), types()]).toEqual(['follower', [], []])
  })

  it('T4 tells an older protocol that it is there, and takes nothing of it for a leader’s', async () => {
    platform.locks.hold(LOCK)
    const two = open()
    two.join(null)
    await settle()
    types()
    speak({ type: 'leading', term: 8, position: { ...position, term: 8 }, first: 1, status }, PROTOCOL - 1)
    await settle()
    expect(two.news()).toEqual([])
    expect(said.splice(0)).toMatchObject([{ type: 'hello', protocol: PROTOCOL }])
    for (let seconds = 7; seconds > 0; seconds--) {
      speak({ type: 'hello', hub: 'other', topics: [] }, PROTOCOL - 1)
      await platform.advance(1_000)
    }
    // It does not give way: robbed like one that is silent.
    expect(two.role()).toBe('leader')
  })
})
