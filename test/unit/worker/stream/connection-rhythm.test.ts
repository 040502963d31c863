import { describe, expect, it } from 'vitest'
import { CLOSE_GRACE } from '../../../../worker/base/close-grace.ts'
import { openConnection } from '../../harness/connection.ts'

/** With no limits set, and a server whose signs of life come so many s after each other. */
const openWith = async () => {
  const stream = openConnection({ heartbeat: null })
  const { body, request } = await stream.open()
  const healths = new Set<string>()
  return {
    ...stream,
    request,
    body,
    healths,
    async live(gaps: number[], text = ':\n') {
      for (const gap of gaps) {
        for (let second = 0; second < gap; second++) {
          await stream.platform.advance(1_000)
          healths.add(stream.connection.status().health)
        }
        body.push(text)
        await stream.platform.advance(0)
      }
    },
  }
}

describe('S3 without numbers of the application the heartbeat learns the rhythm of the server', () => {
  it.each([10, 15, 30, 40, 45, 110])(
    'a server with a sign of life every %i s is never cut, and never called degraded',
    async (gap) => {
      const { live, healths, request, states } = await openWith()
      await live([0, ...Array(20).fill(gap)])
      expect([request.aborted(), [...healths], states]).toEqual([false, ['good'], ['connecting', 'open']])
    },
  )

  it.each([
    ['a rhythm that is not yet shown', [0, 15, 15, 45, 45, 45, 45, 45]],
    ['one that varies', [0, 15, 20, 12, 16, 22, 14, 11, 19, 15, 21]],
    ['one that becomes shorter', [0, 45, 45, 45, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15]],
    ['one that goes between two', [0, 15, 45, 15, 45, 15, 45, 15, 45, 15, 15, 45]],
  ])('neither is one with %s', async (_, gaps) => {
    const { live, healths, request } = await openWith()
    await live(gaps)
    expect([request.aborted(), [...healths]]).toEqual([false, ['good']])
  })

  it('pings and ids without an event are signs of life as comments are', async () => {
    for (const text of ['event: ping\ndata: {}\n\n', 'id: 7\n\n']) {
      const { live, platform, request, connection } = await openWith()
      await live([0, 15, 15, 15], text)
      await platform.advance(22_500)
      expect(connection.status().health).toBe('degraded')
      await platform.advance(15_000)
      expect(request.aborted()).toBe(true)
    }
  })

  it('a server that is silent by nature is not reconnected before 5 min', async () => {
    const { live, platform, healths, request } = await openWith()
    await live([3, 200, 7, 290, 90], 'data: x\n\n')
    expect([request.aborted(), [...healths]]).toEqual([false, ['good']])
    await platform.advance(299_999)
    expect(request.aborted()).toBe(false)
    await platform.advance(1)
    expect(request.aborted()).toBe(true)
  })

  it('a line that is cut is noticed after 2.5 times the rhythm, and at once after the next start', async () => {
    const { live, platform, request, connection, log, server, states } = await openWith()
    await live([0, 20, 20, 20])
    expect(log.rhythm()).toBe(20_000)
    await platform.advance(29_999)
    expect(connection.status().health).toBe('good')
    await platform.advance(1)
    expect(connection.status().health).toBe('degraded')
    await platform.advance(19_999)
    expect(request.aborted()).toBe(false)
    await platform.advance(1)
    expect(request.aborted()).toBe(true)
    expect(connection.status()).toMatchObject({ state: 'waiting', error: { kind: 'stale' } })
    expect(states).toEqual(['connecting', 'open', 'waiting'])
    expect(server.requests).toHaveLength(1)
  })

  it('a rhythm that was kept holds from the start of the next stream', async () => {
    const stream = openConnection({ heartbeat: null })
    stream.log.keepRhythm(20_000)
    const { request } = await stream.open()
    await stream.platform.advance(49_999)
    expect(request.aborted()).toBe(false)
    await stream.platform.advance(1)
    expect(request.aborted()).toBe(true)
  })

  it('a hub that leads again goes by the rhythm that another leader has learned meanwhile', async () => {
    const stream = openConnection({ heartbeat: null })
    stream.log.keepRhythm(15_000)
    await stream.open()
    stream.connection.hold()
    stream.log.keepRhythm(45_000)
    stream.connection.release()
    await stream.platform.advance(CLOSE_GRACE)
    const { request } = await stream.accept()
    await stream.platform.advance(112_499)
    expect(request.aborted()).toBe(false)
    await stream.platform.advance(1)
    expect(request.aborted()).toBe(true)
  })

  it('a server that begins fast and becomes slower on each stream is cut once as well', async () => {
    const stream = openConnection({ heartbeat: null })
    stream.connection.release()
    const begun = stream.platform.now()
    let streams = 0
    while (stream.platform.now() - begun < 3_600_000) {
      const { request, body } = await stream.accept()
      streams++
      for (let sign = 0; sign < 40 && !request.aborted(); sign++) {
        body.push(':\n')
        await stream.platform.advance(sign < 5 ? 15_000 : 45_000)
      }
      if (!request.aborted()) body.end()
      await stream.platform.advance(5_000)
    }
    // Each stream that is not cut lasts 27 min; the first one is cut.
    expect(streams).toBe(4)
  })

  it('a server that has become slower is cut once, not each time', async () => {
    const stream = openConnection({ heartbeat: null })
    stream.log.keepRhythm(15_000)
    stream.connection.release()
    let cuts = -1
    for (let opened = 0; opened < 6; opened++) {
      const { request, body } = await stream.accept()
      cuts += 1
      for (let sign = 0; sign < 20 && !request.aborted(); sign++) {
        body.push(':\n')
        await stream.platform.advance(45_000)
      }
      if (!request.aborted()) break
      await stream.platform.advance(5_000)
    }
    expect(cuts).toBe(1)
    expect(stream.log.rhythm()).toBe(45_000)
  })

  it('an answer to begin has 40 s, whatever the rhythm', async () => {
    const stream = openConnection({ heartbeat: null })
    stream.log.keepRhythm(240_000)
    stream.connection.release()
    const request = await stream.server.next()
    await stream.platform.advance(39_999)
    expect(request.aborted()).toBe(false)
    await stream.platform.advance(1)
    expect(request.aborted()).toBe(true)
    expect(stream.log.rhythm()).toBe(240_000)
  })

  it('numbers of the application hold whatever the rhythm', async () => {
    const stream = openConnection({ heartbeat: { timeout: 20_000, misses: 2 } })
    stream.log.keepRhythm(240_000)
    const { request, body } = await stream.open()
    for (let sign = 0; sign < 5; sign++) {
      body.push(':\n')
      await stream.platform.advance(30_000)
    }
    expect(stream.connection.status().health).toBe('degraded')
    await stream.platform.advance(10_000)
    expect(request.aborted()).toBe(true)
    expect(stream.log.rhythm()).toBe(240_000)
  })
})
