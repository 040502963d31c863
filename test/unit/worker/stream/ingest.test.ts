import { describe, expect, it } from 'vitest'
import type { Received } from '../../../../worker/log/received.ts'
import { createIngest } from '../../../../worker/stream/ingest.ts'
import { createSignedEventFilter } from '../../../../worker/stream/signed-event-filter.ts'
import { defer, settle } from '../../harness/turns.ts'

const event = (id: string, type = 'message'): Received => ({ position: id, id, type, data: id })

/** An ingest whose log writes down what comes to it, `pieces` events at a time. */
const openIngest = ({ pieces = 10 } = {}) => {
  const told: string[] = []
  let leading = true
  let room = Promise.resolve()
  const ingest = createIngest({
    log: {
      async append(blocks) {
        told.push(blocks.map(({ id }) => id).join(' '))
        return blocks.length
      },
      async restart(reason, id) {
        told.push(`reset ${reason} at ${id}`)
      },
      head: () => told.length,
    },
    filter: createSignedEventFilter(null, []),
    backpressure: { piece: (all, from) => all.slice(from, from + pieces), room: () => room },
    leads: async () => leading,
  })
  return {
    told,
    take: (blocks: Received[]) => ingest.take(blocks, () => true),
    loseLead() {
      leading = false
    },
    holdRoom(until: Promise<void>) {
      room = until
    },
  }
}

describe('the way of events into the log', () => {
  it('L3 appends nothing once the lock manager says that another hub leads', async () => {
    const { take, told, loseLead } = openIngest({ pieces: 1 })
    expect(await take([event('1'), event('2')])).toMatchObject({ added: 2 })
    loseLead()
    expect(await take([event('3')])).toMatchObject({ added: 0 })
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
    expect(await taken).toMatchObject({ added: 1 })
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

  it('R4 an event `stream.reset` starts the log over between what came before it and after it', async () => {
    const { take, told } = openIngest()
    await take([event('1'), event('2', 'stream.reset'), event('3')])
    expect(told).toEqual(['1', 'reset server at 2', '3'])
  })
})
