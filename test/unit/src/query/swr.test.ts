import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Window } from 'happy-dom'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Stream } from '../../../../src/index.ts'
import { streamSubscription } from '../../../../src/query/index.ts'
import { buildFor, load as loadBuilt } from '../../harness/frameworks/build.ts'
import { createServer, createTabs } from '../../harness/query-tabs.ts'

type Events = { plus: number; imported: null }
interface Built {
  act(run: () => unknown): Promise<void>
  mount(container: Element, key: string, subscribe: unknown): Promise<() => Promise<void>>
}

const folder = fileURLToPath(new URL('../../../results/swr/', import.meta.url))

describe('X7 streamSubscription, with SWR', () => {
  let window: Window
  let swr: Built
  let unmount: (() => Promise<void>)[] = []

  beforeAll(async () => {
    await buildFor('client', folder, ['swr'])
    window = new Window()
    vi.stubGlobal('window', window)
    for (const name of [
      'document',
      'HTMLElement',
      'HTMLIFrameElement',
      'Node',
      'Event',
      'navigator',
    ] as const)
      vi.stubGlobal(name, window[name])
    vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
    swr = loadBuilt<Built>(folder, 'swr')
  })
  afterAll(async () => {
    await window.happyDOM.close()
    vi.unstubAllGlobals()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    unmount = []
  })
  afterEach(async () => {
    for (const each of unmount) await each()
  })

  const show = async (tabs: ReturnType<typeof createTabs>, fetcher: (key: unknown) => Promise<number>) => {
    const stream = tabs.open().stream as unknown as Stream<Events>
    const container = window.document.createElement('div') as unknown as Element
    const subscribe = streamSubscription(stream, {
      fetcher,
      on: { plus: (sum: number, by) => sum + by, imported: 'invalidate' },
    })
    unmount.push(await swr.mount(container, '/api/sum', subscribe))
    return () => container.textContent
  }
  const until = (condition: () => void) =>
    vi.waitFor(
      async () => {
        await swr.act(async () => {})
        condition()
      },
      { timeout: 10_000, interval: 2 },
    )
  const emit = (tabs: ReturnType<typeof createTabs>, type: string, payload: unknown) =>
    swr.act(() => tabs.emit(type, payload))

  it('shows what is fetched, and what events make of it', async () => {
    const tabs = createTabs()
    const keys: unknown[] = []
    const text = await show(tabs, async (key) => {
      keys.push(key)
      return 1
    })
    await until(() => expect(text()).toBe('1'))
    await emit(tabs, 'plus', 2)
    await until(() => expect(text()).toBe('3'))
    expect(keys).toEqual(['/api/sum'])
  })

  it('applies an event to the result of the fetch that it came in', async () => {
    const tabs = createTabs()
    const load = createServer(() => 1)
    load.isSlow = true
    const text = await show(tabs, load)
    await until(() => expect(load.calls).toBe(1))
    await emit(tabs, 'plus', 2)
    load.answer()
    await until(() => expect(text()).toBe('3'))
  })

  it('ST5 fetches once in all tabs, for an event that calls for it and after a reset', async () => {
    const tabs = createTabs()
    let answer = 1
    const load = createServer(() => answer)
    const texts = [await show(tabs, load), await show(tabs, load), await show(tabs, load)]
    const shown = () => texts.map((text) => text())
    await until(() => expect(shown()).toEqual(['1', '1', '1']))
    const before = load.calls
    answer = 5
    await emit(tabs, 'imported', null)
    await until(() => expect(shown()).toEqual(['5', '5', '5']))
    answer = 6
    await swr.act(() => tabs.reset())
    await until(() => expect(shown()).toEqual(['6', '6', '6']))
    expect(load.calls).toBe(before + 2)
  })

  it('hears nothing once nobody looks', async () => {
    const tabs = createTabs()
    const load = createServer(() => 1)
    const text = await show(tabs, load)
    await until(() => expect(text()).toBe('1'))
    await unmount.pop()!()
    await emit(tabs, 'imported', null)
    await new Promise((done) => setTimeout(done, 0))
    expect(load.calls).toBe(1)
  })

  it('shows why a fetch failed', async () => {
    const tabs = createTabs()
    const text = await show(tabs, async () => {
      throw new Error('503')
    })
    await until(() => expect(text()).toBe('503'))
  })
})
