import { beforeEach, describe, expect, it } from 'vitest'
import type { Log } from '../../../../worker/log/log.ts'
import { openLogStore } from '../../../../worker/log/store.ts'
import { control, left, live, refusal } from '../../harness/controls.ts'
import { clearIndexedDb, committed, event, openLog } from '../../harness/log.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { until } from '../../harness/turns.ts'

describe('the topics of a log', () => {
  let platform: FakePlatform
  let log: Log
  const open = async () => {
    const opened = openLog({ platform, open: (onLost) => openLogStore('log', onLost) })
    log = opened.log
    await opened.led
    return opened
  }
  const of = (id: string, topic: string) => event(id, id, 'message', topic)
  const held = async () => (await log.read(0)).map(({ type, topic, id }) => [type, topic, id].join(' '))
  const topics = () => log.position().topics

  beforeEach(async () => {
    clearIndexedDb()
    platform = createFakePlatform()
    await open()
  })

  it('TO7 an event of a topic that is not live is dropped before the log, and the position moves', async () => {
    await log.append([of('1', 'a'), live('a'), of('2', 'a'), of('3', 'constructor'), left('a'), of('4', 'a')])
    expect(await held()).toEqual([' a ', 'message a 2', ' a '])
    expect(log.lastEventId()).toBe('4')
  })

  it('TO7 it does not end the overlap: what comes again after it is recognised', async () => {
    await log.append([event('1'), event('2')])
    await log.connected(true)
    await log.append([of('0', 'a'), event('1'), event('2'), event('3')])
    expect((await log.read(0)).map(({ id }) => id)).toEqual(['1', '2', '3'])
  })

  it('D3 an event under another topic is another event', async () => {
    await log.append([live('a'), live('b'), of('1', 'a')])
    await log.connected(true)
    await log.append([of('1', 'a'), of('1', 'b')])
    expect((await held()).slice(2)).toEqual(['message a 1', 'message b 1'])
  })

  it('a topic is live since its first control, and a second one confirms it', async () => {
    await log.append([event('1'), live('a', false), event('2'), live('a')])
    expect(topics()).toEqual({ a: { is: 'live', confirmed: true, since: 2 } })
    await log.append([left('a')])
    expect(topics()).toEqual({})
  })

  it('TO4 a topic that is refused leaves the others live', async () => {
    const error = refusal('b')
    await log.append([live('a'), control('b', { is: 'refused', error }), of('1', 'a'), of('2', 'b')])
    expect(topics()).toEqual({
      a: { is: 'live', confirmed: true, since: 1 },
      b: { is: 'refused', error, since: 2 },
    })
    expect((await held()).at(-1)).toBe('message a 1')
  })

  it('TO3 a control is committed at once: no spacing is waited for', async () => {
    await log.append([event('1')])
    await committed(log, platform)
    await log.append([event('2')])
    await log.append([live('a')])
    await until(() => log.committed() === 3)
  })

  it('TO2 topics are committed with the events, and read by the next hub', async () => {
    await log.append([live('a'), of('1', 'a')])
    await committed(log, platform)
    await log.close()
    await open()
    expect(topics()).toEqual({ a: { is: 'live', confirmed: true, since: 1 } })
    expect(await held()).toEqual([' a ', 'message a 1'])
  })

  it('TO2 a reset of the whole stream leaves its topics as they are', async () => {
    await log.append([live('a')])
    await log.restart('server')
    await log.append([of('1', 'a')])
    expect(topics()).toMatchObject({ a: { is: 'live' } })
    expect(await log.read(log.first() - 1)).toMatchObject([{ topic: 'a', id: '1' }])
  })
})
