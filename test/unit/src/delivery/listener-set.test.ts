import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createListenerSet } from '../../../../src/delivery/listener-set.ts'

describe('a signal', () => {
  let reported: unknown[]

  beforeEach(() => {
    reported = []
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('is heard by each listener until its unsubscribe', () => {
    const signal = createListenerSet<[number]>()
    const heard: string[] = []
    const off = signal.on((value) => heard.push(`a${value}`))
    signal.on((value) => heard.push(`b${value}`))
    signal.emit(1)
    off()
    off()
    signal.emit(2)
    expect(heard).toEqual(['a1', 'b1', 'b2'])
  })

  it('D8 one listener that throws is reported, and harms no other', () => {
    const signal = createListenerSet<[number]>()
    const heard: number[] = []
    const error = new Error('mine')
    signal.on(() => {
      throw error
    })
    signal.on((value) => heard.push(value))
    signal.emit(1)
    expect(heard).toEqual([1])
    expect(reported).toEqual([error])
  })

  it('takes one function twice as two listeners', () => {
    const signal = createListenerSet<[number]>()
    let heard = 0
    const listener = () => {
      heard++
    }
    const off = signal.on(listener)
    signal.on(listener)
    signal.emit(1)
    off()
    signal.emit(2)
    expect(heard).toBe(3)
  })

  it('keeps a listener added meanwhile for the next time', () => {
    const signal = createListenerSet<[number]>()
    const heard: string[] = []
    signal.on((value) => {
      heard.push(`first ${value}`)
      if (value === 1) signal.on((later) => heard.push(`late ${later}`))
    })
    signal.emit(1)
    signal.emit(2)
    expect(heard).toEqual(['first 1', 'first 2', 'late 2'])
  })
})
