import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../../../worker/base/metrics.ts'
import type { Received } from '../../../../worker/log/received.ts'
import { createIngest } from '../../../../worker/stream/ingest.ts'
import type { Block } from '../../../../worker/stream/parser.ts'
import { createSignedEventFilter } from '../../../../worker/stream/signed-event-filter.ts'
import { defer, settle } from '../../harness/turns.ts'

const event = (id: string, type = 'message'): Received => ({ givenId: id, id, type, data: id, topic: null })

/** An ingest whose log writes down what comes to it, `pieces` events at a time. */
const openIngest = ({ pieces = 10 } = {}) => {
  const told: string[] = []
  let leading = true
  let isPresent = true
  let room = Promise.resolve()
  const ingest = createIngest({
    log: {
      async append(blocks) {
        const ids = [...blocks].map(({ id }) => id)
        told.push(ids.join(' '))
        return ids.length
      },
      async restart(reason, id) {
        told.push(`reset ${reason} at ${id}`)
      },
      head: () => told.length,
    },
    topics: null,
    filter: createSignedEventFilter({
      verifier: null,
      types: [],
      taken: { sync: async () => {}, find: () => null },
      metrics: createMetrics(),
    }),
    backpressure: {
      piece: (all, from) => all.slice(from, from + pieces),
      room: () => room,
      caughtUp: async () => void told.push('caught up'),
    },
    leads: async () => leading,
  })
  return {
    told,
    take: (blocks: Block[]) => ingest.take(blocks, () => isPresent),
    loseLead() {
      leading = false
    },
    loseStream() {
      isPresent = false
    },
    holdRoom(until: Promise<void>) {
      room = until
    },
  }
}

describe('the way of events into the log', () => {
  it('L3 appends nothing once the lock manager says that another hub leads', async () => {
    const { take, told, loseLead } = openIngest({ pieces: 1 })
    await take([event('1'), event('2')])
    loseLead()
    await take([event('3')])
    expect(told).toEqual(['1', '2'])
  })

  it('L3 asks the lock manager before each piece: a hub may be frozen while it waits for room', async () => {
    const { take, told, loseLead, holdRoom } = openIngest({ pieces: 1 })
    const room = defer<void>()
    holdRoom(room.promise)
    const taken = take([event('1'), event('2')])
    await settle()
    expect(told).toEqual(['1'])
    loseLead()
    room.resolve()
    await taken
    expect(told).toEqual(['1'])
  })

  it('D3 appends nothing more of a stream in whose place another one begins: that one sends it again', async () => {
    const { take, told, loseStream, holdRoom } = openIngest({ pieces: 1 })
    const room = defer<void>()
    holdRoom(room.promise)
    const taken = take([event('1'), event('2'), event('3', 'stream.reset')])
    await settle()
    loseStream()
    room.resolve()
    await taken
    expect(told).toEqual(['1'])
  })

  it('D4 appends no piece before there is room for it', async () => {
    const { take, told, holdRoom } = openIngest({ pieces: 2 })
    const room = defer<void>()
    holdRoom(room.promise)
    const taken = take(['1', '2', '3'].map((id) => event(id)))
    await settle()
    expect(told).toEqual(['1 2'])
    room.resolve()
    await taken
    expect(told).toEqual(['1 2', '3'])
  })

  it('R4, H1 an event `stream.reset` starts the log over once tabs have what came before it', async () => {
    const { take, told } = openIngest()
    await take([event('1'), event('2', 'stream.reset'), event('3')])
    expect(told).toEqual(['1', 'caught up', 'reset server at 2', '3'])
  })

  const large = (givenId: string | null, id = givenId ?? ''): Block => ({
    givenId,
    id,
    type: null,
    data: '',
    topic: null,
    tooLarge: true,
  })

  it('B1 an event too large is a reset where it was, once tabs have what came before it', async () => {
    const { take, told } = openIngest()
    await take([event('1'), large('2'), event('3')])
    expect(told).toEqual(['1', 'caught up', 'reset too-large at 2', '3'])
  })

  it('B1 one without an id leaves the position where it is', async () => {
    const { take, told } = openIngest()
    await take([event('1'), large(null, '1'), event('3')])
    expect(told).toEqual(['1', 'caught up', 'reset too-large at undefined', '3'])
  })

  it('B1 several in a row are one reset, at the last id', async () => {
    const { take, told } = openIngest()
    await take([large('1'), large('2'), { ...event('3'), type: null }, large(null, '3'), event('4')])
    expect(told).toEqual(['caught up', 'reset too-large at 3', '4'])
  })

  it('L3 one that comes to a hub which no longer leads starts nothing over', async () => {
    const { take, told, loseLead } = openIngest()
    loseLead()
    await take([large('1')])
    expect(told).toEqual(['caught up'])
  })
})
