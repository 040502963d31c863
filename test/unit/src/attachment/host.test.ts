import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HOST_KINDS, type HostKind, type OnFailed, openHost } from '../../../../src/attachment/host.ts'

type Options = { name: string; extendedLifetime?: boolean }

describe('T2 the ways to a hub', () => {
  let started: { kind: string; url: string; options: unknown }[]

  beforeEach(() => {
    started = []
    class Fake {
      port = { close: () => started.push({ kind: 'port closed', url: '', options: null }) }
      onerror: (() => void) | null = null
      constructor(url: URL, options: unknown) {
        started.push({ kind: this.constructor.name, url: String(url), options })
      }
      terminate() {
        started.push({ kind: 'terminated', url: '', options: null })
      }
    }
    vi.stubGlobal('SharedWorker', class SharedWorker extends Fake {})
    vi.stubGlobal('Worker', class Worker extends Fake {})
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  const open = (kinds: readonly HostKind[] = HOST_KINDS, worker = {}, onFailed: OnFailed = () => true) =>
    openHost(kinds, 'a name', worker, onFailed)

  it('begins with a SharedWorker that outlives a reload, then one that does not, then a Worker of its own', () => {
    const opened = [open()]
    while (opened.at(-1)!.others.length > 0) opened.push(open(opened.at(-1)!.others))
    expect(opened.map(({ dedicated }) => dedicated)).toEqual([false, false, true])
    const file = expect.stringMatching(/stream\.worker\.(ts|js)$/)
    expect(started).toEqual([
      {
        kind: 'SharedWorker',
        url: file,
        options: { name: 'a name', extendedLifetime: true, type: 'module' },
      },
      { kind: 'SharedWorker', url: file, options: { name: 'a name', type: 'module' } },
      { kind: 'Worker', url: file, options: { name: 'a name', type: 'module' } },
    ])
  })

  it('throws where no kind is left', () => {
    expect(() => open([])).toThrow('No worker can be started here.')
  })

  it('skips the SharedWorker where the browser has none', () => {
    vi.stubGlobal('SharedWorker', undefined)
    expect(open().dedicated).toBe(true)
  })

  it('A3 starts the worker of that name from the application’s own file', () => {
    const given: Options[] = []
    const shared = (options: Options) => {
      given.push(options)
      return { port: 'its port', onerror: null }
    }
    expect(open(HOST_KINDS, { shared }).endpoint).toBe('its port')
    expect(given).toEqual([{ name: 'a name', extendedLifetime: true }])
    expect(started).toEqual([])
  })

  it('never mixes the application’s file with the package’s: one factory is the only way', () => {
    const dedicated = () => ({ onerror: null })
    expect(open(HOST_KINDS, { dedicated }).dedicated).toBe(true)
    expect(() => open(['dedicated'], { shared: () => ({ port: 'its port', onerror: null }) })).toThrow()
    expect(started).toEqual([])
  })

  it('a constructor that throws leads to the next kind: a sandboxed iframe, another origin, blocked cookies', () => {
    const denied = class {
      constructor() {
        throw new DOMException('Access is denied.', 'SecurityError')
      }
    }
    vi.stubGlobal('SharedWorker', denied)
    const host = open()
    expect([host.dedicated, host.others]).toEqual([true, []])
    expect(String(host.refusal)).toContain('Access is denied.')
  })

  it('where all constructors throw the last reason is told', () => {
    const thrown: unknown[] = []
    const refused = () => {
      thrown.push(new TypeError(`Refused for the ${thrown.length + 1}. time.`))
      throw thrown.at(-1)
    }
    let caught: unknown
    try {
      open(HOST_KINDS, { shared: refused, dedicated: refused })
    } catch (error) {
      caught = error
    }
    expect(thrown).toHaveLength(3)
    expect((caught as Error).cause).toBe(thrown[2])
  })

  it('tells of a script that does not load', () => {
    const causes: unknown[] = []
    const worker = { port: 'its port', onerror: null as null | ((event: Event) => void) }
    open(HOST_KINDS, { shared: () => worker }, (cause) => causes.push(cause) > 0)
    worker.onerror!(new Event('error'))
    expect(causes).toEqual([null])
  })

  it.each([
    ['of a script that does not start is none of the page’s', true],
    ['of a worker that runs is told to the page, as the browser does', false],
  ])('an error %s', (_, isLeft) => {
    const causes: unknown[] = []
    const worker = { onerror: null as null | ((event: Event) => void) }
    open(['dedicated'], { dedicated: () => worker }, (cause) => {
      causes.push(cause)
      return isLeft
    })
    const event = Object.assign(new Event('error', { cancelable: true }), { message: 'Error: boom' })
    worker.onerror!(event)
    expect([causes, event.defaultPrevented]).toEqual([['Error: boom'], isLeft])
  })

  it('closes the port of a SharedWorker, and ends a Worker of its own', () => {
    open().close()
    open(['dedicated']).close()
    expect(started.map(({ kind }) => kind)).toEqual(['SharedWorker', 'port closed', 'Worker', 'terminated'])
  })
})
