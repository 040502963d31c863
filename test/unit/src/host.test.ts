import { afterEach, describe, expect, it, vi } from 'vitest'
import { openHost } from '../../../src/host.ts'

describe('getting a port to a hub', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  const stubWorkers = () => {
    const started: { url: string; options: unknown }[] = []
    class FakeSharedWorker {
      port = 'a port'
      onerror = null
      constructor(url: URL, options: unknown) {
        started.push({ url: String(url), options })
      }
    }
    vi.stubGlobal('SharedWorker', FakeSharedWorker)
    return started
  }

  it('A3 starts the worker of that name, from the application’s own file', () => {
    stubWorkers()
    const names: string[] = []
    const shared = (options: { name: string }) => {
      names.push(options.name)
      return { port: 'own port', onerror: null } as unknown as SharedWorker
    }
    expect(openHost('tabstream:ann@x', { shared }, () => {})).toBe('own port')
    expect(names).toEqual(['tabstream:ann@x'])
  })

  it('or from the file that comes with the package, as a module', () => {
    const started = stubWorkers()
    expect(openHost('a name', undefined, () => {})).toBe('a port')
    expect(started).toEqual([
      { url: expect.stringMatching(/stream\.worker\.(ts|js)$/), options: { name: 'a name', type: 'module' } },
    ])
  })

  it('tells of a script that does not load, and what to check', () => {
    stubWorkers()
    const worker = { port: 'own port', onerror: null as null | ((event: Event) => void) }
    const told: string[] = []
    openHost('a name', { shared: () => worker as unknown as SharedWorker }, (message) => told.push(message))
    worker.onerror!(new Event('error'))
    expect(told).toEqual([expect.stringMatching(/Content-Security-Policy/)])
  })

  it('throws a TypeError where there is no SharedWorker', () => {
    vi.stubGlobal('SharedWorker', undefined)
    expect(() => openHost('a name', undefined, () => {})).toThrow(TypeError)
  })
})
