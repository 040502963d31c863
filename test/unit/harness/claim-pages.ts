import { expose, wrap } from 'comlink'
import { vi } from 'vitest'
import type { ClaimContext, ClaimOptions } from '../../../src/claim-options.ts'
import { createClaims } from '../../../src/claims/index.ts'
import type { HubOptions } from '../../../src/shared/hub-options.ts'
import { claimsLock, plainKey, tabLock } from '../../../src/shared/names.ts'
import { type HubApi, PROTOCOL, type TabApi } from '../../../src/shared/protocol.ts'
import type { ErrorData } from '../../../src/shared/status.ts'
import { createHub } from '../../../worker/hub.ts'
import type { RemoteTab } from '../../../worker/tabs/session.ts'
import { OPTIONS } from './connection.ts'
import { clearIndexedDb } from './log.ts'
import { createFakePlatform } from './platform.ts'
import { createProcess, type Process } from './process.ts'
import { createStreamServer } from './stream-server.ts'
import { turn } from './turns.ts'

/** A worker with a hub in it. */
export interface ClaimHub extends Process {
  connect(): MessagePort
}

/** One call of a handler. */
export interface Run {
  page: number
  number: number
  attempt: number
  signal: AbortSignal
  resolve(): void
  reject(): void
}

/** A page with claims, without the rest of a client: it goes from hub to hub as `Attachment` does. */
export interface ClaimPageUnderTest {
  readonly index: number
  errors: ErrorData[]
  hub(): ClaimHub
  claim(options: ClaimOptions, type?: string): () => void
  setVisible(visible: boolean): void
  /** Its hub is gone: it goes on at this one. */
  move(to: ClaimHub): void
  /** Nothing of it runs any more, and its locks are free. */
  kill(): void
  isDead(): boolean
  inspect(): ReturnType<HubApi['inspect']>
  signOut(): Promise<unknown>
}

/** A browser: hubs of one key, a server, and pages whose handlers the test settles. */
export const createClaimWorld = (seed = 1, over: Partial<HubOptions> = {}) => {
  clearIndexedDb()
  const base = createFakePlatform(seed)
  const server = createStreamServer()
  const storage = { isBroken: () => isBroken, latency: () => 0 }
  let isBroken = false
  const options: HubOptions = { ...OPTIONS, heartbeat: { timeout: 10_000_000, misses: 2 }, ...over }
  const key = plainKey(options.url, options.user)
  /** Calls that go on. */
  const runs: Run[] = []
  const listeners = new Map<string, Set<() => void>>()
  const pages: ClaimPageUnderTest[] = []
  let tabs = 0
  /** What the page that is created now is called. */
  let ids = 0

  vi.stubGlobal('navigator', { locks: base.locks })
  vi.stubGlobal('addEventListener', (type: string, run: () => void) => {
    listeners.set(type, (listeners.get(type) ?? new Set()).add(run))
  })
  vi.stubGlobal('reportError', () => {})
  vi.stubGlobal('setTimeout', (run: () => void, ms = 0) => base.after(ms, run))
  vi.stubGlobal('clearTimeout', (timer: unknown) => typeof timer === 'function' && timer())
  const clock = vi.spyOn(Date, 'now').mockImplementation(base.now)

  const spawn = (): ClaimHub => {
    const process = createProcess(base, server.fetch, storage)
    const { platform, openStore } = process
    const hub = createHub({
      platform,
      host: 'shared-worker',
      origin: 'https://app.test',
      openStore,
      listenFor: 0,
    })
    return Object.assign(process, {
      connect() {
        const { port1, port2 } = new MessageChannel()
        process.onDeath(() => port1.close())
        const release = () => port1.close()
        expose(hub.accept(wrap<TabApi>(port1) as unknown as RemoteTab, release), port1)
        return port2
      },
    })
  }

  const open = (first: ClaimHub, visible = true): ClaimPageUnderTest => {
    const index = pages.length
    const errors: ErrorData[] = []
    const ended = new AbortController()
    const uuid = `page-${seed}-${++ids}`
    let isVisible = visible
    let isDead = false
    let at = first
    let link: {
      hub: ReturnType<typeof wrap<HubApi>>
      attached: Promise<unknown>
      release(): void
      port: MessagePort
    }
    let rejects = new Set<(error: Error) => void>()
    const api: TabApi = {
      deliver: async () => {},
      status: () => {},
      error: (error) => void errors.push(error),
      signOut: () => ended.abort(),
      accessToken: async () => ({ ok: true, token: 'token' }),
    }
    const attach = () => {
      const tab = `tab-${++tabs}`
      const port = at.connect()
      const release = base.locks.hold(tabLock(tab))
      const hub = wrap<HubApi>(port)
      expose(api, port)
      const attached = turn().then<unknown>(() =>
        hub.attach({
          protocol: PROTOCOL,
          tab,
          key,
          options,
          cursor: null,
          lineage: null,
          from: 'now',
          since: base.now(),
          follow: { types: '*', topics: {} },
          urgent: [],
          visible: isVisible,
        }),
      )
      link = { hub, attached, release, port }
    }
    attach()
    const call = async <T>(
      _what: string,
      run: (hub: ReturnType<typeof wrap<HubApi>>) => Promise<T>,
    ): Promise<T> => {
      for (;;) {
        const mine = link
        const gone = new Promise<never>((_, reject) => rejects.add(reject))
        gone.catch(() => {})
        try {
          return await Promise.race([mine.attached.then(() => run(mine.hub)), gone])
        } catch (error) {
          if (link === mine || isDead) throw error
        }
      }
    }
    vi.spyOn(crypto, 'randomUUID').mockReturnValueOnce(uuid as ReturnType<typeof crypto.randomUUID>)
    const claims = createClaims({
      call: call as never,
      key: Promise.resolve(key),
      withPayload: (_, data, use) => use(JSON.parse(data)),
      ended: ended.signal,
    })
    const detach = () => {
      link.release()
      link.port.close()
      for (const reject of rejects) reject(new Error('The worker is gone.'))
      rejects = new Set()
    }
    const page: ClaimPageUnderTest = {
      index,
      errors,
      hub: () => at,
      claim(claimOptions, type = 'message') {
        const off = new AbortController()
        const handler = (number: unknown, _: unknown, { signal, attempt }: ClaimContext) =>
          new Promise<void>((resolve, reject) => {
            if (isDead) return
            const run: Run = {
              page: index,
              number: number as number,
              attempt,
              signal,
              resolve: () => end(resolve),
              reject: () => end(() => reject(new Error('rejected'))),
            }
            const end = (settle: () => void) => {
              runs.splice(runs.indexOf(run), 1)
              settle()
            }
            runs.push(run)
            world.onRun(run)
          })
        claims.add({ topic: null, type, handler, options: claimOptions, since: base.now() }, off.signal)
        return () => off.abort()
      },
      setVisible(value) {
        isVisible = value
        const mine = link
        void mine.attached.then(() => mine.hub.visible(value))
      },
      move(to) {
        if (isDead) return
        at = to
        detach()
        attach()
        rejects = new Set()
      },
      kill() {
        if (isDead) return
        isDead = true
        for (const run of runs.filter((each) => each.page === index)) runs.splice(runs.indexOf(run), 1)
        detach()
        base.locks.kill(claimsLock(key, uuid))
      },
      isDead: () => isDead,
      inspect: () => call('inspect()', (hub) => hub.inspect() as never),
      signOut: () => call('signOut()', (hub) => hub.signOut()),
    }
    pages.push(page)
    return page
  }

  const world = {
    base,
    server,
    key,
    pages,
    /** Handlers that run. */
    runs,
    onRun: (_run: Run) => {},
    spawn,
    open,
    breakStorage(value: boolean) {
      isBroken = value
    },
    /** Until nothing is under way any more. */
    rest: (ms = 500) => base.advance(ms),
    advance: (ms: number, turns = 10) => base.advance(ms, turns),
    close() {
      for (const page of pages) page.kill()
      clock.mockRestore()
      vi.unstubAllGlobals()
      vi.restoreAllMocks()
    },
  }
  return world
}

export type ClaimWorld = ReturnType<typeof createClaimWorld>
