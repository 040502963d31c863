import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createListeners } from '../../../../src/delivery/listeners.ts'
import { createPayloads } from '../../../../src/delivery/payloads.ts'

const logged = (type: string, data: string, seq = 1) => ({
  seq,
  id: 'i',
  hasOwnId: true,
  type,
  data,
  at: 5,
  topic: null,
})

describe('listeners', () => {
  let reported: unknown[]
  let invalid: [string, unknown][]
  let parsed: string[]
  let listeners: ReturnType<typeof createListeners>

  beforeEach(() => {
    reported = []
    invalid = []
    parsed = []
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
    const parse = (data: string) => {
      parsed.push(data)
      return JSON.parse(data)
    }
    listeners = createListeners(createPayloads(parse, (type, cause) => invalid.push([type, cause])))
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('hear their type, `*` hears all, in the order they were added', () => {
    const heard: string[] = []
    listeners.add('*', () => heard.push('all'))
    listeners.add('a', () => heard.push('first'))
    listeners.add('a', () => heard.push('second'))
    listeners.add('b', () => heard.push('other'))
    listeners.dispatch(logged('a', '1'))
    expect(heard.filter((name) => name !== 'all')).toEqual(['first', 'second'])
    expect(heard).toContain('all')
  })

  it('get the payload, parsed once for all of them, and the event', () => {
    const heard: unknown[] = []
    listeners.add('a', (payload, event) => heard.push(payload, event))
    listeners.add('*', (payload) => heard.push(payload))
    listeners.dispatch(logged('a', '{"n":1}'))
    expect(heard).toEqual([{ n: 1 }, { type: 'a', id: 'i', data: '{"n":1}', receivedAt: 5 }, { n: 1 }])
    expect(heard[0]).toBe(heard[2])
    expect(parsed).toHaveLength(1)
  })

  it('H1 tell which types are urgent: those of an urgent listener, for as long as it is there', () => {
    listeners.add('b', () => {})
    expect(listeners.urgent()).toEqual([])
    const offs = ['b', 'a', 'b'].map((type) => listeners.add(type, () => {}, { urgent: true }))
    expect(listeners.urgent()).toEqual(['a', 'b'])
    offs[0]!()
    expect(listeners.urgent()).toEqual(['a', 'b'])
    offs[2]!()
    offs[2]!()
    expect(listeners.urgent()).toEqual(['a'])
    listeners.add('c', () => {}, { urgent: false })
    const all = listeners.add('*', () => {}, { urgent: true })
    expect(listeners.urgent()).toBe('*')
    all()
    expect([listeners.urgent(), listeners.follow()]).toEqual([['a'], ['a', 'b', 'c']])
  })

  it('nothing is parsed that nobody listens to', () => {
    listeners.add('a', () => {})
    listeners.dispatch(logged('b', '{'))
    expect([parsed, invalid]).toEqual([[], []])
  })

  it('hear nothing of data that cannot be parsed; it is told with its type and cause', () => {
    const heard: unknown[] = []
    listeners.add('a', (payload) => heard.push(payload))
    listeners.dispatch(logged('a', '{'))
    listeners.dispatch(logged('a', '2'))
    expect(heard).toEqual([2])
    expect(invalid).toEqual([['a', expect.any(SyntaxError)]])
  })

  it('D8 one that throws is reported, and harms neither the others nor the next event', () => {
    const heard: unknown[] = []
    const error = new Error('mine')
    listeners.add('a', () => {
      throw error
    })
    listeners.add('a', (payload) => heard.push(payload))
    listeners.dispatch(logged('a', '1'))
    listeners.dispatch(logged('a', '2'))
    expect(heard).toEqual([1, 2])
    expect(reported).toEqual([error, error])
  })

  it('one function added twice is two listeners, each removed by its own', () => {
    let heard = 0
    const listener = () => {
      heard++
    }
    const first = listeners.add('a', listener)
    const second = listeners.add('a', listener)
    listeners.dispatch(logged('a', '1'))
    expect(heard).toBe(2)
    first()
    first()
    listeners.dispatch(logged('a', '1'))
    expect(heard).toBe(3)
    second()
    listeners.dispatch(logged('a', '1'))
    expect(heard).toBe(3)
  })

  it('one that is removed by another, while an event is dispatched, hears it no more', () => {
    const heard: string[] = []
    let off = () => {}
    listeners.add('a', () => {
      heard.push('first')
      off()
    })
    off = listeners.add('a', () => heard.push('second'))
    listeners.dispatch(logged('a', '1'))
    expect(heard).toEqual(['first'])
  })

  it('one that is added while an event is dispatched hears the next', () => {
    const heard: string[] = []
    listeners.add('a', () => {
      if (heard.push('first') === 1) listeners.add('a', () => heard.push('late'))
    })
    listeners.dispatch(logged('a', '1'))
    listeners.dispatch(logged('a', '1'))
    expect(heard).toEqual(['first', 'first', 'late'])
  })

  it('D1 tell what the tab follows: nothing, types in one order, or all', () => {
    expect(listeners.follow()).toEqual([])
    const offs = ['b', 'a', 'b'].map((type) => listeners.add(type, () => {}))
    expect(listeners.follow()).toEqual(['a', 'b'])
    const offAll = listeners.add('*', () => {})
    expect(listeners.follow()).toBe('*')
    offAll()
    offs[0]!()
    expect(listeners.follow()).toEqual(['a', 'b'])
    offs[2]!()
    expect(listeners.follow()).toEqual(['a'])
    offs[1]!()
    expect(listeners.follow()).toEqual([])
  })

  it('an event whose type is `*` is heard once', () => {
    let heard = 0
    listeners.add('*', () => {
      heard++
    })
    listeners.dispatch(logged('*', '1'))
    expect(heard).toBe(1)
  })

  it('a type may be the name of an object property', () => {
    const heard: unknown[] = []
    listeners.add('constructor', (payload) => heard.push(payload))
    listeners.dispatch(logged('__proto__', '1'))
    listeners.dispatch(logged('constructor', '2'))
    expect(heard).toEqual([2])
  })
})
