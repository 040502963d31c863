import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openHost } from '../../../../src/attachment/host.ts'

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

  const open = (way: number, worker = {}, onFailed = () => {}) => openHost(way, 'a name', worker, onFailed)

  it('begins with a SharedWorker that outlives a reload, then one that does not, then a Worker of its own', () => {
    expect([0, 1, 2].map((way) => open(way)?.dedicated)).toEqual([false, false, true])
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

  it('and there is no fourth', () => {
    expect(open(3)).toBeNull()
    expect(open(Number.POSITIVE_INFINITY)).toBeNull()
  })

  it('skips the SharedWorker where the browser has none', () => {
    vi.stubGlobal('SharedWorker', undefined)
    expect(open(0)?.dedicated).toBe(true)
  })

  it('A3 starts the worker of that name from the application’s own file', () => {
    const given: Options[] = []
    const shared = (options: Options) => {
      given.push(options)
      return { port: 'its port', onerror: null }
    }
    expect(open(0, { shared })?.endpoint).toBe('its port')
    expect(given).toEqual([{ name: 'a name', extendedLifetime: true }])
    expect(started).toEqual([])
  })

  it('never mixes the application’s file with the package’s: one factory is the only way', () => {
    const dedicated = () => ({ onerror: null })
    expect(open(0, { dedicated })?.dedicated).toBe(true)
    expect(open(2, { shared: () => ({ port: 'its port', onerror: null }) })).toBeNull()
    expect(started).toEqual([])
  })

  it('tells of a script that does not load', () => {
    let failed = 0
    const worker = { port: 'its port', onerror: null as null | (() => void) }
    open(0, { shared: () => worker }, () => failed++)
    worker.onerror!()
    expect(failed).toBe(1)
  })

  it('closes the port of a SharedWorker, and ends a Worker of its own', () => {
    open(0)!.close()
    open(2)!.close()
    expect(started.map(({ kind }) => kind)).toEqual(['SharedWorker', 'port closed', 'Worker', 'terminated'])
  })
})
