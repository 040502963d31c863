import { expose, type Remote, wrap } from 'comlink'
import { withLimit } from './call.ts'
import { localError, StreamError } from './errors.ts'
import { openHost } from './host.ts'
import { createIntake } from './intake.ts'
import { iterate } from './iterate.ts'
import { watchLifecycle } from './lifecycle.ts'
import { createListeners, type Listener, type StreamEvent } from './listeners.ts'
import { type ConnectOptions, toHubOptions } from './options.ts'
import {
  type Batch,
  type ErrorData,
  type HubApi,
  keyOf,
  PROTOCOL,
  type ResetReason,
  type Status,
  type TabApi,
  type TokenAnswer,
  tabLock,
  type Welcome,
} from './protocol.ts'
import { createSignal } from './signal.ts'
import type { EventMap, Stream } from './stream.ts'

/** One page's hold on a hub. */
interface Attachment {
  port: MessagePort
  hub: Remote<HubApi>
  /** Settles once the hub has answered: nothing is delivered before. */
  welcomed: Promise<unknown>
  release(): void
}

/**
 * One stream of Server-Sent Events for all tabs that connect with the same URL and user.
 *
 * @param url of the stream, relative to the page
 * @throws TypeError an option is missing or wrong, the URL carries a credential (A1) or is plain http (A6),
 *   or the page is no secure context
 */
export const connect = <Events extends object = EventMap>(
  url: string | URL,
  options: ConnectOptions,
): Stream<Events> => {
  const hubOptions = toHubOptions(url, options, document.baseURI)
  if (navigator.locks === undefined)
    throw new TypeError('tabstream: the page must be https: (http: only on this machine itself).')
  const key = keyOf(hubOptions.url, hubOptions.user)

  const statuses = createSignal<[Status]>()
  const errors = createSignal<[StreamError]>()
  const resets = createSignal<[{ reason: ResetReason }]>()
  const intake = createIntake()
  /** Full iterators: the batch is acknowledged once they have room again. */
  const pressure = new Set<Promise<void>>()
  const iterations = new Set<() => void>()
  let attachment: Attachment | null = null
  let closed = false
  let status: Status = {
    state: 'idle',
    host: 'shared-worker',
    role: 'follower',
    attempt: 0,
    nextAttemptAt: null,
    since: Date.now(),
    health: 'good',
    resume: 'fresh',
    durable: false,
    tabs: 0,
    lastEventId: '',
    error: null,
  }

  const setStatus = (next: Status) => {
    status = next
    statuses.emit(status)
  }
  const tellError = (data: ErrorData, cause?: unknown) => errors.emit(new StreamError(data, cause))
  /** Without a hub there is nobody else to say what became of the stream. */
  const stop = (error: ErrorData) => {
    detach()
    setStatus({ ...status, state: error.state, since: error.at, error })
    tellError(error)
  }
  const fail = (message: string) => {
    stop(localError('worker', message, 'failed'))
  }

  const listeners = createListeners(options.parse ?? ((data) => JSON.parse(data)), (type, cause) => {
    const message = `The data of an event "${type}" is not JSON: not delivered. Set \`parse\`?`
    tellError(localError('validation', message, status.state, true), cause)
  })

  const deliver = async (from: Attachment, batch: Batch) => {
    await from.welcomed
    if (attachment !== from) return
    if (batch.reset !== null) resets.emit({ reason: batch.reset })
    const events = intake.take(batch)
    for (const event of events) listeners.dispatch(event)
    const newest = events.at(-1)
    if (newest !== undefined) status = { ...status, lastEventId: newest.id }
    await Promise.all(pressure)
  }

  const accessToken = async (): Promise<TokenAnswer> => {
    try {
      const token: unknown = await options.auth?.getAccessToken()
      if (typeof token === 'string' && token !== '') return { ok: true, token }
      return { ok: false, message: 'getAccessToken gave no token.' }
    } catch (error) {
      // Reported here, where the application's own words may be shown; they could quote a token (A1).
      reportError(error)
      return { ok: false, message: 'getAccessToken failed.' }
    }
  }

  const attach = () => {
    const port = openHost(key, options.worker, (message) => attachment === mine && fail(message))
    const tab = crypto.randomUUID()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      const released = new Promise<void>((end) => {
        release = end
      })
      void navigator.locks.request(tabLock(tab), () => {
        resolve()
        return released
      })
    })
    const hub = wrap<HubApi>(port)
    const hello = () => ({
      protocol: PROTOCOL,
      tab,
      options: hubOptions,
      cursor: intake.cursor(),
      from: options.from ?? ('now' as const),
      follow: listeners.follow(),
      visible: !document.hidden,
    })
    // The lock first: the hub queues for it, and would take one that nobody holds for a death (T1).
    const answered = held.then(() => withLimit(hub.attach(hello()) as Promise<Welcome>, 'attach()'))
    const welcomed = answered.then(
      (welcome) => {
        if (attachment !== mine) return
        if (!welcome.ok) return stop(welcome.error)
        intake.resumeAt(welcome.cursor)
        setStatus(welcome.status)
        if (welcome.differing.length > 0)
          console.warn(
            `tabstream: another tab set other options: ${welcome.differing.join(', ')}. They hold.`,
          )
      },
      (error: Error) => attachment === mine && fail(error.message),
    )
    const mine: Attachment = { port, hub, welcomed, release }
    attachment = mine
    const tabApi: TabApi = {
      deliver: (batch) => deliver(mine, batch),
      status: (next) => void (attachment === mine && setStatus(next)),
      error: (data) => void (attachment === mine && tellError(data)),
      accessToken,
    }
    expose(tabApi, port)
  }

  /** The lock tells the hub; a message would arrive no sooner, and could evict a cached page. */
  const detach = () => {
    attachment?.release()
    attachment?.port.close()
    attachment = null
  }

  const call = async <T>(what: string, run: (hub: Remote<HubApi>) => Promise<T>): Promise<T> => {
    try {
      if (attachment === null) throw new Error(`The stream is ${status.state}.`)
      const { hub, welcomed } = attachment
      return await withLimit(
        welcomed.then(() => run(hub)),
        what,
      )
    } catch (error) {
      throw new StreamError(localError('worker', (error as Error).message, status.state), error)
    }
  }
  /** For a call whose answer says nothing. */
  const tell = (run: (hub: Remote<HubApi>) => unknown) => {
    if (attachment === null) return
    const { hub, welcomed } = attachment
    void welcomed.then(() => run(hub))
  }

  let followed = ''
  const follow = () => {
    const types = listeners.follow()
    if (String(types) === followed) return
    followed = String(types)
    tell((hub) => hub.follow(types))
  }
  const on = (type: string, listener: Listener) => {
    const remove = listeners.add(type, listener)
    follow()
    return () => {
      remove()
      follow()
    }
  }

  const lifecycle = watchLifecycle({
    onHide: detach,
    onReturn: attach,
    onVisible: (visible) => tell((hub) => hub.visible(visible)),
  })

  attach()

  const stream = {
    get status() {
      return status
    },
    on,
    onReset: resets.on,
    onError: errors.on,
    onStatus: statuses.on,
    events(type: string, { signal }: { signal?: AbortSignal } = {}) {
      const iterator = iterate<StreamEvent & { payload: unknown }>((push, end) => {
        const off = on(type, (payload, event) => {
          const full = push({ ...event, payload })
          if (full === undefined) return
          pressure.add(full)
          void full.then(() => pressure.delete(full))
        })
        iterations.add(end)
        return () => {
          off()
          iterations.delete(end)
        }
      }, signal)
      if (closed) void iterator.return?.()
      return iterator
    },
    metrics: () => call('metrics()', (hub) => hub.metrics()),
    inspect: () => call('inspect()', (hub) => hub.inspect()),
    reconnect() {
      if (closed) return
      if (attachment === null) attach()
      else tell((hub) => hub.reconnect())
    },
    close() {
      if (closed) return
      closed = true
      lifecycle.close()
      detach()
      for (const end of [...iterations]) end()
      setStatus({ ...status, state: 'closed', since: Date.now() })
    },
  }
  // The one place where the untyped inside meets the event map.
  return stream as unknown as Stream<Events>
}
