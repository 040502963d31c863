import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HOST_KINDS } from '../../../../src/attachment/host.ts'
import { openLink } from '../../../../src/attachment/link.ts'
import type { TabApi } from '../../../../src/shared/protocol.ts'
import { createFakeLocks } from '../../harness/locks.ts'

describe('T2 a link to a worker', () => {
  let posted: number

  beforeEach(() => {
    posted = 0
    vi.stubGlobal('navigator', { locks: createFakeLocks() })
    class Worker extends EventTarget {
      postMessage() {
        posted++
      }
      terminate() {}
    }
    vi.stubGlobal('Worker', Worker)
    vi.stubGlobal('SharedWorker', undefined)
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('calls no worker if the tab fails to make its hello, so that no failed call goes unheard', async () => {
    const hello = () => {
      throw new Error('the page is gone')
    }
    const link = openLink(
      { worker: undefined, hello },
      HOST_KINDS,
      'key',
      '',
      () => ({}) as TabApi,
      () => true,
    )
    await expect(link.welcome).rejects.toThrow('the page is gone')
    expect(posted).toBe(0)
    link.close()
  })
})
