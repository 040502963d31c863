import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchLifecycle } from '../../../../src/attachment/lifecycle.ts'

describe('T3 what a page goes through', () => {
  let window: EventTarget
  let document: EventTarget & { hidden: boolean }
  let told: string[]
  let listening: string[]
  let watch: ReturnType<typeof watchLifecycle>

  beforeEach(() => {
    window = new EventTarget()
    document = Object.assign(new EventTarget(), { hidden: false })
    told = []
    listening = []
    vi.stubGlobal('document', document)
    vi.stubGlobal('addEventListener', (...args: Parameters<EventTarget['addEventListener']>) => {
      listening.push(args[0])
      window.addEventListener(...args)
    })
    watch = watchLifecycle({
      onPause: (reason) => told.push(`pause ${reason}`),
      onResume: (reason) => told.push(`resume ${reason}`),
      onVisible: (visible) => told.push(`visible ${visible}`),
      onOnline: () => told.push('online'),
    })
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  const show = (persisted: boolean) =>
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }) as unknown as Event)

  it('pagehide lets go; only a pageshow out of the cache comes back', () => {
    show(false)
    window.dispatchEvent(new Event('pagehide'))
    show(true)
    expect(told).toEqual(['pause cached', 'resume cached'])
  })

  it('tells of a freeze and its end', () => {
    document.dispatchEvent(new Event('freeze'))
    document.dispatchEvent(new Event('resume'))
    expect(told).toEqual(['pause frozen', 'resume frozen'])
  })

  it('tells of each change of visibility', () => {
    document.hidden = true
    document.dispatchEvent(new Event('visibilitychange'))
    document.hidden = false
    document.dispatchEvent(new Event('visibilitychange'))
    expect(told).toEqual(['visible false', 'visible true'])
  })

  it('tells that the network is back', () => {
    window.dispatchEvent(new Event('online'))
    expect(told).toEqual(['online'])
  })

  it('never listens to unload or beforeunload, which would keep the page out of the cache', () => {
    expect(listening.filter((type) => type.includes('unload'))).toEqual([])
  })

  it('hears nothing more once closed', () => {
    watch.close()
    window.dispatchEvent(new Event('pagehide'))
    show(true)
    document.dispatchEvent(new Event('visibilitychange'))
    document.dispatchEvent(new Event('freeze'))
    document.dispatchEvent(new Event('resume'))
    window.dispatchEvent(new Event('online'))
    expect(told).toEqual([])
  })
})
