import { createIntake } from '../../../src/delivery/intake.ts'
import type { From } from '../../../src/shared/events.ts'
import { tabLock } from '../../../src/shared/names.ts'
import { unpack } from '../../../src/shared/packed-events.ts'
import {
  type Batch,
  type HubApi,
  type PackedBatch,
  PROTOCOL,
  type Welcome,
} from '../../../src/shared/protocol.ts'
import type { ErrorData } from '../../../src/shared/status.ts'
import { createHub } from '../../../worker/hub.ts'
import type { RemoteTab } from '../../../worker/tabs/session.ts'
import { OPTIONS } from './connection.ts'
import { clearIndexedDb } from './log.ts'
import { createFakePlatform } from './platform.ts'
import { createProcess } from './process.ts'
import { createStreamServer } from './stream-server.ts'
import { settle, turn } from './turns.ts'

/** ms between a tab's looks at its hub; after two without an answer it goes to another. */
const LOOK = 1_500

export type Heard = { number: number; id: string; hasOwnId: boolean } | { reset: string }

/** One browser: hubs that share locks, channel, IndexedDB and a server; tabs that go from one to the next. */
export const createWorld = (seed = 1, options = OPTIONS) => {
  clearIndexedDb()
  const base = createFakePlatform(seed)
  const server = createStreamServer()
  let broken: (process: unknown) => boolean = () => false
  let latency = () => 0
  const storage = { isBroken: (process: unknown) => broken(process), latency: () => latency() }
  let tabs = 0

  const spawnHub = (protocol = PROTOCOL) => {
    const process = createProcess(base, server.fetch, storage)
    const { platform, openStore } = process
    const hub = createHub({
      platform,
      host: 'shared-worker',
      origin: 'https://app.test',
      openStore,
      protocol,
    })
    return Object.assign(process, { hub, protocol })
  }
  type WorldHub = ReturnType<typeof spawnHub>

  /** What a page does of it all (client.ts), with the hub's calls as tasks of the hub's worker. */
  const openTab = (first: WorldHub, from: From, next: (gone: WorldHub) => WorldHub) => {
    const intake = createIntake()
    const since = base.now() + 1
    const heard: Heard[] = []
    const errors: ErrorData[] = []
    let closed = false
    let attachments = 0
    let detach = () => {}
    let attachment: symbol | null = null
    let latest: HubApi | null = null

    const attach = (to: WorldHub) => {
      const mine = Symbol('attachment')
      attachment = mine
      attachments++
      const tab = `tab-${++tabs}`
      const release = base.locks.hold(tabLock(tab))
      let misses = 0
      let cancelLook = () => {}
      detach = () => {
        attachment = null
        cancelLook()
        release()
      }
      const look = () => {
        misses = to.isDead() ? 2 : to.isFrozen() ? misses + 1 : 0
        if (misses < 2) {
          cancelLook = base.after(LOOK, look)
          return
        }
        detach()
        attach(next(to))
      }
      cancelLook = base.after(LOOK, look)

      const take = (batch: Batch) => {
        if (attachment !== mine) return
        self.onTold(tab, batch)
        if (batch.reset !== null) heard.push({ reset: batch.reset })
        for (const { data, id, hasOwnId: own } of intake.take(batch))
          heard.push({ number: Number(data), id, hasOwnId: own })
      }
      /** Comes to this page a turn later, and its answer goes back as long. */
      const call = <T>(run: () => T | Promise<T>): Promise<T> => {
        const answer = async () => {
          await turn()
          const value = await run()
          await turn()
          return value
        }
        return to.gated('port', answer())
      }
      const deliver = (batch: PackedBatch) => {
        const copy = unpack(structuredClone(batch))
        return call(async () => {
          await welcomed
          take(copy)
        })
      }
      const tell = (error: ErrorData) => {
        if (attachment !== mine) return
        errors.push(error)
        if (error.kind === 'superseded') detach()
      }
      const remote: RemoteTab = {
        deliver,
        status: () => call(() => {}),
        error: (error) => call(() => tell(error)),
        signOut: () => call(() => detach()),
        accessToken: () => call(() => ({ ok: true, token: 't' })),
      }
      const welcomed = (async () => {
        const api: HubApi = await to.gated(
          'port',
          turn().then(() => to.hub.accept(remote, () => {})),
        )
        latest = api
        const hello = {
          protocol: to.protocol,
          tab,
          options,
          cursor: intake.cursor(),
          lineage: intake.lineage(),
          from,
          since,
        }
        const welcome = await api.attach({ ...hello, follow: '*', visible: true })
        await turn()
        if (!welcome.ok) tell(welcome.error)
        else if (attachment === mine) {
          self.onTold(tab, welcome)
          intake.welcome(welcome.cursor, welcome.lineage)
        }
      })()
    }

    attach(first)
    return {
      heard,
      errors,
      cursor: () => intake.cursor(),
      isClosed: () => closed,
      /** How often it went to another hub. */
      moves: () => attachments - 1,
      /** What its hub exposes to it. */
      hub: () => latest!,
      async inspect() {
        const { sessions, log, status, incarnation } = (await latest?.inspect()) ?? {}
        const { role, state } = status ?? {}
        return JSON.stringify([intake.cursor(), intake.lineage(), sessions, log, role, state, incarnation])
      },
      /** As a reload of its worker, or a return from the cache. */
      move(to: WorldHub) {
        if (closed) return
        detach()
        attach(to)
      },
      close() {
        if (closed) return
        closed = true
        detach()
      },
      numbers: () => heard.flatMap((each) => ('number' in each ? [each.number] : [])),
      resets: () => heard.flatMap((each) => ('reset' in each ? [each.reset] : [])),
    }
  }

  const self = {
    /** Sees what tabs are told, for a test that traces. */
    onTold: (_tab: string, _what: Batch | Welcome) => {},
    base,
    server,
    spawnHub,
    openTab,
    /** So many events with an id, and what follows from them. */
    async publish(count: number) {
      for (let left = count; left > 0; left--) server.publish(true)
      await settle(80)
    },
    /** Whose IndexedDB fails from now on. */
    breakStorage(which: (process: unknown) => boolean) {
      broken = which
    },
    setLatency(turns: () => number) {
      latency = turns
    },
    advance: (ms: number, turns = 10) => base.advance(ms, turns),
  }
  return self
}

export type World = ReturnType<typeof createWorld>
export type WorldHub = ReturnType<World['spawnHub']>
export type WorldTab = ReturnType<World['openTab']>
