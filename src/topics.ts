import type { ClaimOf } from './claim.ts'
import type { ClaimOptions } from './claim-options.ts'
import type { ClaimHandler } from './claims/run.ts'
import { createListenerSet, type ListenerSet } from './delivery/listener-set.ts'
import { createListeners, type Listener, type Listeners, type ListenOptions } from './delivery/listeners.ts'
import type { OpenIterators } from './delivery/open-iterators.ts'
import type { Payloads } from './delivery/payloads.ts'
import type { LogMethods } from './log-methods.ts'
import { endOf, whenTold } from './opened.ts'
import { type Control, controlOf, isControl } from './shared/control.ts'
import type { Follow, LoggedEvent, ResetReason } from './shared/events.ts'
import { localError } from './shared/local-error.ts'
import type { ErrorData, Status } from './shared/status.ts'
import type { TopicStatus } from './topic.ts'

/** A handle as `Stream.topic` gives it, before it meets the application's types. */
export interface TopicHandle extends LogMethods {
  readonly name: string
  readonly status: TopicStatus
  claim(type: string, handler: ClaimHandler, options: ClaimOptions): () => void
  events: OpenIterators['events']
  onReset: ListenerSet<[{ reason: ResetReason }]>['on']
  onStatus: ListenerSet<[TopicStatus]>['on']
  ready(options?: { signal?: AbortSignal }): Promise<void>
  leave(): void
  [Symbol.dispose](): void
}

/** The topics of one tab: what its handles hear, and what the hub is to be told of them. */
export interface Topics {
  /** @param name one that `checkTopicName` lets pass */
  open(name: string, signal?: AbortSignal): TopicHandle
  /** The topics that a handle is held of, in the order of their names, each with the types that are listened to. */
  follow(): Follow['topics']
  /** Of each topic. */
  listeners(): Listeners[]
  /** A topic is forgotten that no handle is held of. Until then a handle finds it as the hub has told it. */
  told(): void
  /** The topic's listeners hear its event, or what has become of the topic. */
  dispatch(topic: string, event: LoggedEvent): void
  /** What has become of topics, at the place where the tab stands. */
  tell(controls: Record<string, Control>): void
  /** The whole stream was reset. */
  reset(reason: ResetReason): void
  /** Leaves all handles, and those that are opened later. */
  close(): void
}

export interface TopicsOptions {
  payloads: Payloads
  /** Which topics or types are followed has changed. */
  onFollow(): void
  /** Resolves once the hub has taken what is followed now. */
  followed(): Promise<unknown>
  /** A topic is refused that was not. */
  onRefused(error: ErrorData): void
  claim: ClaimOf
  /** Makes the iterators of a handle (open-iterators.ts). */
  iterate(on: TopicHandle['on']): OpenIterators
  /** What a handle has of the log (log-methods.ts). */
  methodsOf(source: () => TopicHandle, listen: TopicHandle['on']): LogMethods
  /** Of the stream. */
  status(): Status
  onStatus(listener: () => void): () => void
  /** An error as the application hears it. */
  toError(data: ErrorData): Error
}

interface Held {
  statuses: ListenerSet<[TopicStatus]>
  resets: ListenerSet<[{ reason: ResetReason }]>
  leave(): void
}

/** One topic, for all handles of this tab. */
interface Entry {
  status: TopicStatus
  /** It was live, and stopped being so: what came meanwhile is not known. */
  isBroken: boolean
  listeners: Listeners
  handles: Set<Held>
}

const JOINING: TopicStatus = { state: 'joining', confirmed: false, error: null }

/** Over 80 lines: a handle and its topic share one entry. */
export const createTopics = ({
  payloads,
  onFollow,
  followed,
  onRefused,
  claim,
  iterate,
  methodsOf,
  status,
  onStatus,
  toError,
}: TopicsOptions): Topics => {
  const entries = new Map<string, Entry>()
  let isClosed = false

  /** A listener may leave a handle, which then hears nothing more. */
  const each = ({ handles }: Entry, run: (handle: Held) => void) => {
    for (const handle of [...handles]) if (handles.has(handle)) run(handle)
  }
  const setStatus = (entry: Entry, status: TopicStatus) => {
    entry.status = status
    each(entry, ({ statuses }) => statuses.emit(status))
  }
  const reset = (entry: Entry, reason: ResetReason) => each(entry, ({ resets }) => resets.emit({ reason }))

  const open = (name: string, signal?: AbortSignal): TopicHandle => {
    const entry = entries.get(name) ?? {
      status: JOINING,
      isBroken: false,
      listeners: createListeners(payloads),
      handles: new Set<Held>(),
    }
    const statuses: Held['statuses'] = createListenerSet()
    const resets: Held['resets'] = createListenerSet()
    const offs = new Set<() => void>()
    let left: TopicStatus | null = null

    const listen = (type: string, listener: Listener, options?: ListenOptions) => {
      if (left !== null) return () => {}
      const remove = entry.listeners.add(type, listener, options)
      const off = () => {
        if (!offs.delete(off)) return
        remove()
        onFollow()
      }
      offs.add(off)
      onFollow()
      return off
    }
    const iterators = iterate(listen)
    const leave = () => {
      if (left !== null) return
      left = { ...JOINING, state: 'left' }
      entry.handles.delete(held)
      for (const off of offs) off()
      iterators.close()
      signal?.removeEventListener('abort', leave)
      statuses.emit(left)
      onFollow()
    }
    const held = { statuses, resets, leave }
    const handle: TopicHandle = {
      ...methodsOf(() => handle, listen),
      name,
      get status() {
        return left ?? entry.status
      },
      claim(type, handler, options) {
        const off = claim(name, type, handler, options)
        if (left === null) offs.add(off)
        else off()
        return off
      },
      events: iterators.events,
      onReset: resets.on,
      onStatus: statuses.on,
      async ready(options) {
        const outcome = () => {
          const { state, error } = handle.status
          if (state === 'live') return 'done'
          return state === 'left' ? leftError(status()) : (error ?? endOf(status()))
        }
        const onChange = (settle: () => void) => {
          const both = [statuses.on(settle), onStatus(settle)]
          return () => both.forEach((off) => void off())
        }
        await whenTold(outcome, onChange, options?.signal, toError)
        await followed()
      },
      leave,
      [Symbol.dispose]: leave,
    }
    entries.set(name, entry)
    entry.handles.add(held)
    signal?.addEventListener('abort', leave)
    if (isClosed || signal?.aborted) leave()
    else onFollow()
    return handle
  }

  const change = (topic: string, control: Control) => {
    const entry = entries.get(topic)
    if (entry === undefined) return
    const { state, confirmed } = entry.status
    const isLive = state === 'live'
    switch (control.is) {
      case 'reset':
        if (isLive) reset(entry, control.reason)
        return
      case 'live':
        if (isLive && confirmed === control.confirmed) return
        if (entry.isBroken) reset(entry, 'rejoined')
        entry.isBroken = false
        return setStatus(entry, { state: 'live', confirmed: control.confirmed, error: null })
      case 'left':
        if (!isLive) return
        entry.isBroken = true
        return setStatus(entry, JOINING)
      case 'refused':
        entry.isBroken ||= isLive
        setStatus(entry, { ...JOINING, state: 'refused', error: control.error })
        if (state !== 'refused' && entry.handles.size > 0) onRefused(control.error)
    }
  }

  return {
    open,
    follow: () =>
      Object.fromEntries(
        [...entries]
          .filter(([, { handles }]) => handles.size > 0)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, { listeners }]) => [name, listeners.follow()]),
      ),
    listeners: () => [...entries.values()].map(({ listeners }) => listeners),
    told() {
      for (const [name, { handles }] of entries) if (handles.size === 0) entries.delete(name)
    },
    dispatch(topic, event) {
      if (isControl(event)) return change(topic, controlOf(event))
      const entry = entries.get(topic)
      // What the hub sent before it heard of this tab's leave and return is from before the topic is live again.
      if (entry?.status.state === 'live') entry.listeners.dispatch(event)
    },
    tell(controls) {
      for (const [topic, control] of Object.entries(controls)) change(topic, control)
    },
    reset(reason) {
      for (const entry of [...entries.values()])
        if (entry.isBroken || entry.status.state === 'live') {
          entry.isBroken = false
          reset(entry, reason)
        }
    },
    close() {
      isClosed = true
      for (const entry of entries.values()) each(entry, ({ leave }) => leave())
    },
  }
}

const leftError = ({ state }: Status) => localError('worker', 'This handle of the topic is left.', state)
