import type { StreamEvent } from './delivery/listeners.ts'
import { connect, text } from './index.ts'
import type { ConnectOptions } from './options.ts'
import type { Status, StreamState } from './shared/status.ts'
import type { EventMap, Stream } from './stream.ts'

/** The native class's own option, and those of `connect()` that leave its interface as it is. */
export interface SharedEventSourceInit extends Omit<ConnectOptions, 'parse' | 'schemas'> {
  /**
   * Types whose newest event of the log is dispatched to the first listener before what is new, for servers that greet each
   * connection: the connection is one for all tabs, and a late tab would wait for its greeting. Default: none.
   */
  replay?: string[]
}

type Handler<E extends Event> = ((this: EventSource, event: E) => unknown) | null

type Listener = ((this: EventSource, event: MessageEvent) => unknown) | EventListenerObject | null

/** The states that close this object for good. The standard knows one way to fail (HTML, 9.2.3). */
const FINAL: StreamState[] = ['failed', 'closed', 'unauthorized', 'superseded']
/** The kinds of error that fail the connection for good: in the standard any answer that is no event stream does. */
const ANSWERED = ['http', 'limit', 'protocol']

/** A class of the platform has its constants on class and prototype, and its members are enumerable (Web IDL, 3.7). */
const CONSTANTS = { CONNECTING: 0, OPEN: 1, CLOSED: 2 } as const

/**
 * `EventSource`, with one connection for all tabs that name the same URL and user. The interface is the native
 * one (HTML Standard, 9.2.2); what differs in behaviour is listed in docs/event-source.md.
 */
export class SharedEventSource extends EventTarget implements EventSource {
  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSED: 2
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSED: 2
  declare onopen: Handler<Event>
  declare onmessage: Handler<MessageEvent>
  declare onerror: Handler<Event>

  readonly #url: string
  readonly #withCredentials: boolean
  readonly #stream: Stream<EventMap>
  readonly #heard = new Set<string>()
  readonly #replay: string[]
  #readyState: 0 | 1 | 2 = CONSTANTS.CONNECTING
  /** When the error happened that this object has told last, in ms since 1970. */
  #toldAt = 0

  /**
   * @throws DOMException SyntaxError: the URL cannot be parsed
   * @throws TypeError as `connect()`: `user` is missing, the URL carries a credential or is plain http beyond this
   *   machine, and so on. The native class needs no `user`, since it shares nothing: here a page of the next user
   *   would hear the events of the one before, by a cookie as well (A3). `null`: the stream is the same for all.
   */
  constructor(url: string | URL, init: SharedEventSourceInit)
  constructor(url: string | URL, init = {} as SharedEventSourceInit) {
    super()
    if (url === undefined) throw new TypeError('SharedEventSource needs a URL.')
    try {
      this.#url = new URL(url, document.baseURI).href
    } catch {
      throw new DOMException('The URL given to SharedEventSource cannot be parsed.', 'SyntaxError')
    }
    this.#withCredentials = Boolean(init?.withCredentials)
    const { replay = [], ...options } = init ?? {}
    this.#replay = replay
    this.#stream = connect(this.#url, {
      // The native class waits for ever, and its servers may have nothing to say for hours.
      heartbeat: { timeout: Number.POSITIVE_INFINITY },
      // The native class tells a hidden page at once, and no listener of its interface could say that it is urgent.
      hidden: { every: 0 },
      ...(options as ConnectOptions),
      withCredentials: this.#withCredentials,
      parse: text,
    })
    this.#stream.onStatus((status) => this.#follow(status))
    // What happened within connect() is told in a task of its own, once there can be listeners.
    setTimeout(() => this.#follow(this.#stream.status))
  }

  get url(): string {
    return this.#url
  }
  get withCredentials(): boolean {
    return this.#withCredentials
  }
  get readyState(): 0 | 1 | 2 {
    return this.#readyState
  }

  close(): void {
    this.#readyState = CONSTANTS.CLOSED
    this.#stream.close()
  }

  /** The user logs out (A4): see `Stream.signOut`. This source, and those of other tabs, are closed. */
  signOut(): Promise<void> {
    this.#readyState = CONSTANTS.CLOSED
    return this.#stream.signOut()
  }

  override addEventListener<Type extends keyof EventSourceEventMap>(
    type: Type,
    listener: (this: EventSource, event: EventSourceEventMap[Type]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(
    type: string,
    listener: Listener,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(type: string, listener: unknown, options?: boolean | AddEventListenerOptions) {
    super.addEventListener(type, listener as EventListener | null, options)
    if (this.#heard.has(type)) return
    this.#heard.add(type)
    const { origin } = new URL(this.#url)
    const dispatch = (data: unknown, event: StreamEvent) => {
      // An event may be called `*` here, and `*` does not mean all of them.
      if (event.type !== type || this.#readyState === CONSTANTS.CLOSED) return
      this.dispatchEvent(new MessageEvent(type, { data: data as string, origin, lastEventId: event.id }))
    }
    this.#stream.on(type, dispatch, this.#replay.includes(type) ? { from: { last: 1 } } : {})
  }

  // For its types: listeners of an EventSource hear of MessageEvents, those of an EventTarget of any Event.
  override removeEventListener<Type extends keyof EventSourceEventMap>(
    type: Type,
    listener: (this: EventSource, event: EventSourceEventMap[Type]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(
    type: string,
    listener: Listener,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(type: string, listener: unknown, options?: boolean | EventListenerOptions) {
    super.removeEventListener(type, listener as EventListener | null, options)
  }

  #follow({ state, since, error }: Status): void {
    if (this.#readyState === CONSTANTS.CLOSED) return
    if (state === 'open') {
      if (this.#readyState === CONSTANTS.OPEN) return
      this.#readyState = CONSTANTS.OPEN
      this.dispatchEvent(new Event('open'))
    } else if (FINAL.includes(state)) this.#fail()
    else if (state === 'waiting') {
      // The error behind this state comes with the next status, and decides.
      if (error === null || error.at < since || error.at === this.#toldAt) return
      this.#toldAt = error.at
      // A log-in page at the end of a redirect is of kind `auth`, as is a token endpoint that is away for a while.
      if (ANSWERED.includes(error.kind) || error.status === 200) this.#fail()
      else this.#reconnect()
    } else if (this.#readyState === CONSTANTS.OPEN) this.#reconnect()
  }

  /** "Reestablish the connection" (9.2.3). */
  #reconnect(): void {
    this.#readyState = CONSTANTS.CONNECTING
    this.dispatchEvent(new Event('error'))
  }

  /** "Fail the connection" (9.2.3). */
  #fail(): void {
    this.close()
    this.dispatchEvent(new Event('error'))
  }
}

for (const target of [SharedEventSource, SharedEventSource.prototype])
  for (const [name, value] of Object.entries(CONSTANTS))
    Object.defineProperty(target, name, { value, enumerable: true })

/** "Event handler IDL attributes" (HTML, 8.1.8.1): a handler keeps its place among the listeners when replaced. */
for (const type of ['open', 'message', 'error']) {
  const handlers = new WeakMap<SharedEventSource, { current: object; listener: EventListener }>()
  Object.defineProperty(SharedEventSource.prototype, `on${type}`, {
    enumerable: true,
    configurable: true,
    get(this: SharedEventSource) {
      return handlers.get(this)?.current ?? null
    },
    set(this: SharedEventSource, value: unknown) {
      const held = handlers.get(this)
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
        if (held !== undefined) this.removeEventListener(type, held.listener)
        handlers.delete(this)
      } else if (held !== undefined) held.current = value
      else {
        const handler = {
          current: value,
          listener: (event: Event) => {
            if (typeof handler.current === 'function') handler.current.call(this, event)
          },
        }
        handlers.set(this, handler)
        this.addEventListener(type, handler.listener)
      }
    },
  })
}
for (const name of ['url', 'withCredentials', 'readyState', 'close'])
  Object.defineProperty(SharedEventSource.prototype, name, {
    ...Object.getOwnPropertyDescriptor(SharedEventSource.prototype, name),
    enumerable: true,
  })
