import { Window } from 'happy-dom'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ClaimOptions } from '../../../src/claim-options.ts'
import type { Status, Stream, Topic } from '../../../src/index.ts'
import type { EventMap } from '../../../src/stream.ts'
import { createTestStream, type TestStream } from '../../../src/testing.ts'
import { loadReact } from '../harness/react.ts'

interface OfTopic {
  topic: Topic<EventMap> | null
}

/** A component that shows what `use` returns. */
const textOf = (use: () => unknown) => () => String(use())

describe.each([18, 19] as const)('X2 the hooks in React %i', (version) => {
  let page: Awaited<ReturnType<typeof loadReact>>
  let window: Window
  let container: Element
  let unmount: () => Promise<void>
  let test: TestStream<EventMap>

  beforeAll(async () => {
    window = new Window()
    for (const name of [
      'window',
      'document',
      'HTMLElement',
      'HTMLIFrameElement',
      'Node',
      'Event',
      'navigator',
    ] as const)
      vi.stubGlobal(name, name === 'window' ? window : window[name])
    vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
    page = await loadReact(version)
  })
  afterAll(async () => {
    await window.happyDOM.close()
    vi.unstubAllGlobals()
  })
  beforeEach(() => {
    test = createTestStream()
    container = window.document.createElement('div') as unknown as Element
  })
  afterEach(() => unmount?.())

  /** A component of `use`, rendered under a provider in StrictMode; what it returns is its text. */
  const render = async (use: () => unknown, props: { connect?: () => Stream<EventMap> } = {}) => {
    const { react, hooks, act, createRoot } = page
    const h = react.createElement
    let renders = 0
    const component = textOf(() => {
      renders++
      return use()
    })
    const given = props.connect ? props : { stream: test.stream }
    // The hooks of this file's own declaration are those of types.test-d.ts, which is not what is rendered here.
    const provider = (child: unknown) => h(hooks.StreamProvider, { ...given } as never, child as never)
    const root = createRoot(container)
    // One element for all renders: the component renders by itself only.
    const child = h(component)
    const show = () => act(() => root.render(h(react.StrictMode, null, provider(child))))
    await show()
    unmount = () => act(() => root.unmount())
    return { renders: () => renders, show, text: () => container.textContent }
  }
  const hooks = () =>
    page.hooks as unknown as {
      useEvent(
        type: string,
        listener: (payload: unknown) => void,
        options?: Partial<OfTopic> & { urgent?: boolean },
      ): void
      useClaim(
        type: string,
        handler: (payload: unknown) => unknown,
        options: Partial<OfTopic> & ClaimOptions,
      ): void
      useLatest(type: string, options?: OfTopic): unknown
      useStatus<T = Status>(select?: (status: Status) => T): T
      useStream(): Stream<EventMap> | null
      useTopic(name: string): Topic<EventMap> | null
    }

  it('is the version that it says', () => {
    expect(page.react.version.split('.')[0]).toBe(String(version))
  })

  it('useLatest renders the latest payload, and no more often than its type comes', async () => {
    const view = await render(() => hooks().useLatest('count'))
    expect(view.text()).toBe('undefined')
    await page.act(() => test.emit('count', 1))
    expect(view.text()).toBe('1')
    const before = view.renders()
    await page.act(() => test.emit('other', 2))
    await page.act(() => test.setStatus({ tabs: 3 }))
    expect(view.renders()).toBe(before)
    await page.act(() => test.emit('count', 4))
    expect(view.text()).toBe('4')
  })

  it('useEvent hears each event once in StrictMode, with the latest listener, and renders nothing', async () => {
    const heard: unknown[] = []
    let round = 1
    const view = await render(() => hooks().useEvent('count', (payload) => heard.push([round, payload])))
    const before = view.renders()
    await page.act(() => test.emit('count', 1))
    round = 2
    await page.act(() => test.emit('count', 2))
    expect(heard).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(view.renders()).toBe(before)
    await unmount()
    await test.emit('count', 3)
    expect(heard).toHaveLength(2)
  })

  it('C1 useClaim handles each event once in StrictMode, with the latest handler, and renders nothing', async () => {
    const handled: unknown[] = []
    let round = 1
    const view = await render(() =>
      hooks().useClaim('count', (payload) => handled.push([round, payload]), { mode: 'at-most-once' }),
    )
    const before = view.renders()
    await page.act(() => test.emit('count', 1))
    round = 2
    await page.act(() => test.emit('count', 2))
    expect(handled).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(view.renders()).toBe(before)
    await unmount()
    await test.emit('count', 3)
    expect(handled).toHaveLength(2)
  })

  it('H1 useEvent passes on whether its listener is urgent', async () => {
    const asked: unknown[] = []
    const { on } = test.stream
    test.stream.on = ((type: string, listener: () => void, options?: { urgent?: boolean }) => {
      // What reads the log listens by a call of its own.
      if (type === 'note') asked.push(options?.urgent)
      return on(type, listener, options)
    }) as typeof on
    await render(() => {
      const urgent = hooks().useLatest('count') === undefined
      return hooks().useEvent('note', () => {}, { urgent })
    })
    expect(asked).toContain(true)
    expect(asked).not.toContain(false)
    await page.act(() => test.emit('count', 1))
    expect(asked.at(-1)).toBe(false)
  })

  it('useEvent takes the listener of the last render', async () => {
    const heard: unknown[] = []
    await render(() => {
      const count = Number(hooks().useLatest('count') ?? 0)
      hooks().useEvent('note', () => heard.push(count))
      return count
    })
    await page.act(() => test.emit('count', 7))
    await page.act(() => test.emit('note', null))
    expect(heard).toEqual([7])
  })

  it('useStatus renders anew only when what it selects changes', async () => {
    const view = await render(() => hooks().useStatus(({ state }) => state))
    expect(view.text()).toBe('open')
    const before = view.renders()
    await page.act(() => test.setStatus({ tabs: 7 }))
    expect(view.renders()).toBe(before)
    await page.act(() => void test.fail())
    expect(view.text()).toBe('waiting')
  })

  it('useStatus takes a selector whose new object holds new objects', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const view = await render(
      () => hooks().useStatus(({ state }) => ({ is: { state }, all: [[state]] })).is.state,
    )
    expect(view.text()).toBe('open')
    await page.act(() => void test.fail())
    expect(view.text()).toBe('waiting')
    expect(errors).not.toHaveBeenCalled()
    errors.mockRestore()
  })

  it('useStatus notices what changes in an object whose content is no property', async () => {
    const view = await render(() => {
      const since = hooks().useStatus(({ tabs }) => new Date(tabs))
      const all = hooks().useStatus(({ tabs }) => new Set([tabs]))
      return `${since.getTime()} ${[...all]}`
    })
    await page.act(() => test.setStatus({ tabs: 7 }))
    expect(view.text()).toBe('7 7')
  })

  it('useStatus takes a selector that gives a new object each time, and renders only when what is in it changes', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const view = await render(() => {
      const { state, tabs } = hooks().useStatus((status) => ({ state: status.state, tabs: status.tabs }))
      const [role] = hooks().useStatus((status) => [status.role])
      return `${state} ${tabs} ${role}`
    })
    expect(view.text()).toBe('open 1 leader')
    const before = view.renders()
    expect(before).toBeLessThan(6)
    await page.act(() => test.setStatus({ health: 'degraded' }))
    expect(view.renders()).toBe(before)
    await page.act(() => test.setStatus({ tabs: 7 }))
    expect(view.text()).toBe('open 7 leader')
    // React says there what loops, and what is not cached.
    expect(errors).not.toHaveBeenCalled()
    errors.mockRestore()
  })

  it('a connect() that throws does not take the tree down: the status is `failed`, and the error reported', async () => {
    const reported: unknown[] = []
    vi.stubGlobal('reportError', (error: unknown) => void reported.push(error))
    const thrown = new TypeError('tabstream: `user` must be the id of the logged-in user.')
    const connect = () => {
      throw thrown
    }
    const view = await render(
      () => {
        const { state, error } = hooks().useStatus()
        return `${state} ${error?.message} ${hooks().useStream()} ${hooks().useLatest('count')}`
      },
      { connect },
    )
    expect(view.text()).toBe(`failed ${thrown} null undefined`)
    expect(reported).toContain(thrown)
  })

  it('connects in an effect, closes at the unmount, and survives StrictMode with one stream open', async () => {
    const made: TestStream<EventMap>[] = []
    const connect = () => {
      made.push(createTestStream())
      return made.at(-1)!.stream
    }
    const view = await render(() => hooks().useStatus()?.state, { connect })
    expect(view.text()).toBe('open')
    const open = () => made.filter(({ stream }) => stream.status.state === 'open').length
    expect(open()).toBe(1)
    await view.show()
    expect(open()).toBe(1)
    await unmount()
    expect(open()).toBe(0)
  })

  it('useTopic joins while it is mounted, once in StrictMode, and renders anew with the status', async () => {
    const opened = vi.spyOn(test.stream, 'topic')
    const view = await render(() => hooks().useTopic('lobby')?.status.state)
    expect(view.text()).toBe('joining')
    const states = () => opened.mock.results.map(({ value }) => (value as Topic<EventMap>).status.state)
    expect(states().filter((state) => state === 'joining')).toHaveLength(1)
    await page.act(() => test.topic('lobby').live())
    expect(view.text()).toBe('live')
    await page.act(() => test.topic('lobby').refuse())
    expect(view.text()).toBe('refused')
    await unmount()
    expect(new Set(states())).toEqual(new Set(['left']))
    opened.mockRestore()
  })

  it('useTopic goes from one name to the next, and gives no handle of another name', async () => {
    const { react, hooks, act } = page
    const seen: string[] = []
    let name = 'a'
    let change = () => {}
    await render(() => {
      const [, turn] = react.useState(0)
      change = () => turn((before) => before + 1)
      const topic = (hooks as unknown as { useTopic(name: string): Topic<EventMap> | null }).useTopic(name)
      seen.push(`${name} ${topic?.name}`)
      return topic?.name
    })
    await act(() => {
      name = 'b'
      change()
    })
    expect([test.topic('a').isJoined(), test.topic('b').isJoined()]).toEqual([false, true])
    expect([...new Set(seen)]).toEqual(['a undefined', 'a a', 'b undefined', 'b b'])
  })

  it('useEvent and useLatest hear a topic, and nothing while there is no handle', async () => {
    const heard: unknown[] = []
    const view = await render(() => {
      const topic = hooks().useTopic('lobby')
      hooks().useEvent('note', (payload) => heard.push(payload), { topic })
      return hooks().useLatest('count', { topic })
    })
    await page.act(() => test.emit('count', 1))
    await page.act(() => test.emit('note', 1))
    expect([view.text(), heard]).toEqual(['undefined', []])
    await page.act(() => test.emit('count', 2, { topic: 'lobby' }))
    await page.act(() => test.emit('note', 3, { topic: 'lobby' }))
    expect([view.text(), heard]).toEqual(['2', [3]])
  })

  it('renders on a server without a stream, and connects to nothing there', () => {
    const { react, hooks: own, renderToString } = page
    const connect = vi.fn()
    const component = textOf(
      () => `${hooks().useStatus(({ state }) => state)} ${hooks().useLatest('count')} ${hooks().useStream()}`,
    )
    const tree = react.createElement(own.StreamProvider, { connect } as never, react.createElement(component))
    expect(renderToString(tree)).toBe('idle undefined null')
    expect(connect).not.toHaveBeenCalled()
  })

  it('says that the provider is missing', () => {
    const component = textOf(() => hooks().useStream())
    expect(() => page.renderToString(page.react.createElement(component))).toThrow('StreamProvider')
  })
})
