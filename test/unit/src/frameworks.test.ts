import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Window } from 'happy-dom'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Status, Stream, Topic } from '../../../src/index.ts'
import type { StateCurrent } from '../../../src/state-options.ts'
import type { EventMap } from '../../../src/stream.ts'
import { createTestStream, type TestStream } from '../../../src/testing.ts'
import type { Client, Provide, Reactive, Server, Use } from '../harness/frameworks/adapter.ts'
import { buildFor, FRAMEWORKS, load } from '../harness/frameworks/build.ts'

const results = fileURLToPath(new URL('../../results/frameworks/', import.meta.url))
const folders = { client: `${results}client`, server: `${results}server` }

beforeAll(async () => {
  await buildFor('client', folders.client)
  await buildFor('server', folders.server)
})
afterAll(() => rm(results, { recursive: true, force: true }))

describe.each(FRAMEWORKS)('X6 the hooks in %s', (name) => {
  let window: Window
  let client: Client
  let container: Element
  let unmount: () => unknown
  let test: TestStream<EventMap>

  beforeAll(async () => {
    window = new Window()
    const globals = ['document', 'Node', 'Element', 'Text', 'Comment', 'HTMLElement', 'SVGElement'] as const
    vi.stubGlobal('window', window)
    for (const name of [...globals, 'Event', 'navigator'] as const) vi.stubGlobal(name, window[name])
    client = load<Client>(folders.client, name)
  })
  afterAll(async () => {
    await window.happyDOM.close()
    vi.unstubAllGlobals()
  })
  beforeEach(() => {
    test = createTestStream()
    container = window.document.createElement('div') as unknown as Element
    window.document.body.append(container as never)
  })
  afterEach(() => unmount?.())

  /** Mounts a component below a provider. `runs` counts how often the component's text was made. */
  const render = async (use: Use, provide: Provide = { stream: test.stream }) => {
    let runs = 0
    const stop = client.mount(container, provide, () => {
      const text = use()
      return () => {
        runs++
        return text()
      }
    })
    let isMounted = true
    unmount = async () => {
      if (isMounted) await stop()
      isMounted = false
    }
    await client.settle()
    return {
      runs: () => runs,
      text: () => container.textContent,
      /** Resolves once the page shows this: what is read from the log comes a little later. */
      shows: (text: string) =>
        vi.waitFor(
          async () => {
            await client.settle()
            expect(container.textContent).toBe(text)
          },
          { timeout: 10_000, interval: 5 },
        ),
    }
  }
  const settled = async (act: () => unknown) => {
    void act()
    await client.settle()
  }
  const textOf = (value: Reactive) => () => String(client.read(value))

  it('useLatest shows the latest payload, and follows no other type', async () => {
    const view = await render(() => textOf(client.hooks.useLatest('count')))
    expect(view.text()).toBe('undefined')
    await settled(() => test.emit('count', 1))
    await view.shows('1')
    const before = view.runs()
    await settled(() => test.emit('other', 2))
    await settled(() => test.setStatus({ tabs: 3 }))
    expect(view.runs()).toBe(before)
    await settled(() => test.emit('count', 4))
    await view.shows('4')
  })

  it('useLatest takes a payload that is a function for a payload', async () => {
    test = createTestStream({ parse: (data) => () => data })
    const view = await render(() => {
      const latest = client.hooks.useLatest('count')
      return () => typeof client.read(latest)
    })
    await settled(() => test.emit('count', 1))
    await view.shows('function')
  })

  it('useEvent hears each event once, renders nothing, and ends with the component', async () => {
    const heard: unknown[] = []
    const view = await render(() => {
      client.hooks.useEvent('count', (payload) => heard.push(payload))
      return () => 'x'
    })
    const before = view.runs()
    // No frame lies between the two, and none before the first.
    void test.emit('count', 1)
    void test.emit('count', 2)
    expect(heard).toEqual([1, 2])
    await client.settle()
    expect(view.runs()).toBe(before)
    await unmount()
    await test.emit('count', 3)
    expect(heard).toEqual([1, 2])
  })

  it('H1 useEvent passes on whether its listener is urgent', async () => {
    const on = vi.spyOn(test.stream, 'on')
    await render(() => {
      client.hooks.useEvent('note', () => {}, { urgent: true })
      return () => ''
    })
    expect(on.mock.calls.map(([type, , options]) => [type, options?.urgent])).toEqual([['note', true]])
  })

  it('C1 useClaim handles each event, for as long as the component is mounted', async () => {
    const handled: unknown[] = []
    await render(() => {
      client.hooks.useClaim('alarm', (payload) => handled.push(payload), { mode: 'at-most-once' })
      return () => ''
    })
    void test.emit('alarm', 1)
    await vi.waitFor(() => expect(handled).toEqual([1]))
    await unmount()
    const other = vi.fn()
    test.stream.claim('alarm', other, { mode: 'at-most-once' })
    void test.emit('alarm', 2)
    await vi.waitFor(() => expect(other).toHaveBeenCalled())
    expect(handled).toEqual([1])
  })

  it('useStatus follows what it selects, and nothing else, also where it selects a new object', async () => {
    const view = await render(() => {
      const state = client.hooks.useStatus(({ state }) => state)
      const both = client.hooks.useStatus(({ state, role }) => ({ state, role }))
      return () => `${client.read(state)} ${(client.read(both) as Status).role}`
    })
    expect(view.text()).toBe('open leader')
    const before = view.runs()
    await settled(() => test.setStatus({ tabs: 7 }))
    expect(view.runs()).toBe(before)
    await settled(() => test.setStatus({ role: 'follower' }))
    expect(view.text()).toBe('open follower')
    await settled(() => test.fail())
    expect(view.text()).toBe('waiting follower')
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
        const status = client.hooks.useStatus()
        const [stream, latest] = [client.hooks.useStream(), client.hooks.useLatest('count')]
        return () => {
          const { state, error } = client.read(status) as Status
          return `${state} ${error?.message} ${client.read(stream)} ${client.read(latest)}`
        }
      },
      { connect },
    )
    expect(view.text()).toBe(`failed ${thrown} null undefined`)
    expect(reported).toEqual([thrown])
  })

  it('connects once it is mounted, and closes at the unmount', async () => {
    const made: TestStream<EventMap>[] = []
    const connect = () => {
      made.push(createTestStream())
      return made.at(-1)!.stream
    }
    const atSetUp: unknown[] = []
    const heard: unknown[] = []
    const view = await render(
      () => {
        atSetUp.push(made.length)
        client.hooks.useEvent('count', (payload) => heard.push(payload))
        return textOf(client.hooks.useStatus(({ state }) => state))
      },
      { connect },
    )
    expect([view.text(), made.length, atSetUp]).toEqual(['open', 1, [0]])
    await settled(() => made[0]!.emit('count', 1))
    expect(heard).toEqual([1])
    await unmount()
    expect(made.map(({ stream }) => stream.status.state)).toEqual(['closed'])
  })

  it('leaves a stream open that was opened by somebody else', async () => {
    await render(() => textOf(client.hooks.useStream()))
    await unmount()
    expect(test.stream.status.state).toBe('open')
  })

  it('useTopic joins while it is mounted, and shows how its status changes', async () => {
    const opened = vi.spyOn(test.stream, 'topic')
    const view = await render(() => {
      const topic = client.hooks.useTopic('lobby')
      return () => String((client.read(topic) as Topic<EventMap> | null)?.status.state)
    })
    expect(view.text()).toBe('joining')
    expect(opened).toHaveBeenCalledTimes(1)
    await settled(() => test.topic('lobby').live())
    expect(view.text()).toBe('live')
    await settled(() => test.topic('lobby').refuse())
    expect(view.text()).toBe('refused')
    await unmount()
    expect((opened.mock.results[0]!.value as Topic<EventMap>).status.state).toBe('left')
  })

  it('useTopic goes from one name to the next', async () => {
    const room = client.state('a')
    const view = await render(() => {
      const topic = client.hooks.useTopic(room.followed)
      const latest = client.hooks.useLatest('count', { topic })
      return () => `${(client.read(topic) as Topic<EventMap> | null)?.name} ${client.read(latest)}`
    })
    await settled(() => test.emit('count', 1, { topic: 'a' }))
    await view.shows('a 1')
    await settled(() => room.set('b'))
    expect(view.text()).toBe('b undefined')
    expect([test.topic('a').isJoined(), test.topic('b').isJoined()]).toEqual([false, true])
    await settled(() => test.emit('count', 2, { topic: 'b' }))
    await view.shows('b 2')
  })

  it('useEvent and useLatest hear a topic, keep to it when its status changes, and hear nothing without a handle', async () => {
    const heard: unknown[] = []
    const view = await render(() => {
      const topic = client.hooks.useTopic('lobby')
      client.hooks.useEvent('note', (payload) => heard.push(payload), { topic })
      return textOf(client.hooks.useLatest('count', { topic }))
    })
    await settled(() => test.emit('count', 1))
    await settled(() => test.emit('note', 1))
    expect([view.text(), heard]).toEqual(['undefined', []])
    await settled(() => test.emit('count', 2, { topic: 'lobby' }))
    await settled(() => test.topic('lobby').live(false))
    await settled(() => test.emit('note', 3, { topic: 'lobby' }))
    await view.shows('2')
    expect(heard).toEqual([3])
  })

  it('ST4 useStreamState shows what is loaded, what events make of it, and another state for another key', async () => {
    const sum = client.state('1')
    const loaded: string[] = []
    const states = vi.spyOn(test.stream, 'state')
    const view = await render(() => {
      const state = client.hooks.useStreamState(() => ({
        key: sum.get(),
        load: async () => {
          loaded.push(sum.get())
          return Number(sum.get())
        },
        on: { plus: (value, by) => Number(value) + Number(by) },
      }))
      return () => {
        const { status, value } = client.read(state) as StateCurrent<number>
        return `${status} ${value}`
      }
    })
    expect(view.text()).toBe('loading undefined')
    await view.shows('live 1')
    await settled(() => test.emit('plus', 2))
    await view.shows('live 3')
    await settled(() => sum.set('10'))
    await view.shows('live 10')
    expect(loaded).toEqual(['1', '10'])
    await unmount()
    expect(states.mock.results.map(({ value }) => value.current.status)).toEqual(['closed', 'closed'])
  })

  it('useStreamState takes a topic', async () => {
    const view = await render(() => {
      const topic = client.hooks.useTopic('lobby')
      const options = { key: 'sum', load: async () => 1, on: { plus: () => 2 }, topic }
      const state = client.hooks.useStreamState(options)
      return () => `${(client.read(state) as StateCurrent<number>).value}`
    })
    test.topic('lobby').live()
    await view.shows('1')
    await settled(() => test.emit('plus', 0))
    expect(view.text()).toBe('1')
    await settled(() => test.emit('plus', 0, { topic: 'lobby' }))
    await view.shows('2')
  })

  it('renders on a server without a stream, and opens nothing there', async () => {
    const server = load<Server>(folders.server, name)
    const connect = vi.fn()
    const { hooks, read } = server
    const use = () => {
      const [state, latest] = [hooks.useStatus(({ state }) => state), hooks.useLatest('count')]
      const [stream, topic] = [hooks.useStream(), hooks.useTopic('lobby')]
      hooks.useEvent('note', () => {}, { topic })
      return () => [state, latest, stream, topic].map(read).join('|')
    }
    expect(await server.render({ connect }, use)).toContain('idle|||')
    expect(connect).not.toHaveBeenCalled()
    const on = vi.spyOn(test.stream, 'on')
    const opened = vi.spyOn(test.stream, 'topic')
    expect(await server.render({ stream: test.stream as Stream<EventMap> }, use)).toContain('idle|||')
    expect([on, opened].map(({ mock }) => mock.calls)).toEqual([[], []])
  })
})
