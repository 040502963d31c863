import type { ClaimContext, ClaimOptions } from './claim-options.ts'
import type { ListenOptions, StreamEvent } from './delivery/listeners.ts'
import type { StreamError } from './errors.ts'
import type { HistoryOptions, Received } from './received.ts'
import type { ResetReason } from './shared/events.ts'
import type { Inspection, InspectOptions, Metrics } from './shared/inspection.ts'
import type { Status } from './shared/status.ts'
import type { State, StateOptions } from './state-options.ts'
import type { Topic } from './topic.ts'

/** An application's event types and what their payloads are. */
export type EventMap = { [type: string]: unknown }

/** An application's topics, and the event map of each. Keys may be patterns: ``[chat: `chat/${string}`]: Chat``. */
export type TopicMap = { [topic: string]: EventMap }

export type TypeOf<Events> = Extract<keyof Events, string>

export type Off = () => void

/** What an inspector needs of a stream: any stream has it, whatever its events. */
export type Inspected = Pick<
  Stream<EventMap>,
  'status' | 'onStatus' | 'metrics' | 'inspect' | 'reconnect' | 'dropLog'
>

/**
 * `<tabstream-inspector>`, defined by `tabstream/inspector`. At the bottom of the window, closed to a button unless
 * it has the attribute `open`; with the attribute `docked` it fills its container instead, and is always open.
 */
export interface InspectorElement extends HTMLElement {
  /** What it shows; `null`: nothing. */
  stream: Inspected | null
  /** Whether it is more than a button; the attribute `open`. */
  open: boolean
}

/** What is heard of events: of those of a stream that have no topic, or of those of one topic. */
export interface Heard<Events> {
  /**
   * Hears the events of one type, in order, each exactly once (D1); `'*'` hears all of them. A listener that
   * throws is reported as an uncaught error and harms no other (D8). `urgent`: a hidden tab, which else hears events up
   * to `hidden.every` ms late, hears such an event at once, and before it all that came before (H1); default `false`.
   */
  on<Type extends TypeOf<Events>>(
    type: Type,
    listener: (payload: Events[Type], event: StreamEvent<Type>) => void,
    options?: ListenOptions,
  ): Off
  on(
    type: '*',
    listener: (payload: Events[TypeOf<Events>], event: StreamEvent<TypeOf<Events>>) => void,
    options?: ListenOptions,
  ): Off
  /**
   * The events of one type as an async iterator, from the call on. A consumer that falls 1,000 events behind
   * slows the delivery to this tab. Ends with `signal`, with `break`, with `close()`, and with a topic's `leave()`.
   * `urgent` as in `on`.
   */
  events<Type extends TypeOf<Events>>(
    type: Type,
    options?: { signal?: AbortSignal } & ListenOptions,
  ): AsyncIterableIterator<StreamEvent<Type> & { payload: Events[Type] }>
  /**
   * Of all tabs of this browser that claim a type, one handles each event (C1): the one in view, else the one that was last
   * in view. Events are handled one after the other, in order, from the first `claim()` in this browser on. Each browser
   * claims for itself. `'*'` claims all types.
   *
   * @param handler what it returns is awaited. A rejection is a failed run
   * @returns gives the claim up. A run that goes on is aborted by its signal, and counts if it resolves all the same
   * @throws TypeError `mode` is missing or unknown
   */
  claim<Type extends TypeOf<Events>>(
    type: Type,
    handler: (payload: Events[Type], event: StreamEvent<Type>, claim: ClaimContext) => unknown,
    options: ClaimOptions,
  ): Off
  claim(
    type: '*',
    handler: (
      payload: Events[TypeOf<Events>],
      event: StreamEvent<TypeOf<Events>>,
      claim: ClaimContext,
    ) => unknown,
    options: ClaimOptions,
  ): Off
  /**
   * The newest event of the type that this tab may have, from the log, also while the server is away; `null`: none. Data
   * that does not parse is left out. A hidden tab reads up to where it was told (H1).
   *
   * @throws StreamError the stream is closed, or as `metrics`; `kind: 'worker'`, the file `state.js` does not load
   */
  latest<Type extends TypeOf<Events>>(type: Type): Promise<Received<Events, Type> | null>
  /**
   * The events that the log has up to where this tab was told, the oldest first. Nothing from before a reset, a topic's
   * `live`, or a sign-out.
   *
   * @throws TypeError an option makes no sense; as `latest`; or the reason of `signal`, once it aborts
   */
  history<Type extends TypeOf<Events> = TypeOf<Events>>(
    options?: HistoryOptions<Type>,
  ): Promise<Received<Events, Type>[]>
  /**
   * A value of the server's that events keep right, in every tab, with one load for all of them: events that come while it
   * is loaded are applied to it, and a reset loads it anew (ST4). It begins at once, and ends with `close()`.
   */
  state<Value>(options: StateOptions<Events, Value>): State<Value>
  /**
   * Hears that continuity could not be kept, before anything newer is delivered: refetch your state. Of a topic: of this
   * topic or of the whole stream.
   */
  onReset(listener: (reset: { reason: ResetReason }) => void): Off
}

/** What `connect` gives. Every `on...` returns its unsubscribe. An event that has a topic is heard by that topic alone. */
export interface Stream<Events, Topics = TopicMap> extends Heard<Events> {
  /** The status of the moment. A new object whenever it changes. */
  readonly status: Status
  onError(listener: (error: StreamError) => void): Off
  /** Hears every change of `status`. */
  onStatus(listener: (status: Status) => void): Off
  /**
   * Joins a topic, for as long as a handle of any tab is not left. Each call gives a handle of its own. All topics of all
   * tabs share the one stream.
   *
   * @param name 1 to 200 bytes of UTF-8 without control and format characters; not `*`
   * @param options `signal` leaves the topic
   * @throws TypeError the option `topics` is not set, or no topic can have this name
   */
  topic<Name extends TypeOf<Topics>>(name: Name, options?: { signal?: AbortSignal }): Topic<Topics[Name]>
  /**
   * Resolves once the stream is `open`; at once, if it is. Fetch your state behind it, and nothing lies between the two.
   *
   * @throws StreamError the stream is `failed`, `superseded` or `closed`; or the reason of `signal`, once it aborts
   */
  opened(options?: { signal?: AbortSignal }): Promise<void>
  /**
   * Resolves once this tab's listeners have had the event with this id, or one after it: your own write has come round.
   * A reset resolves it too, since what you refetch then has it.
   *
   * @param options `timeout` in ms, default 10,000
   * @throws StreamError `kind: 'worker'`: it did not come in time, or the stream is closed; or the reason of `signal`
   */
  seen(id: string, options?: { signal?: AbortSignal; timeout?: number }): Promise<void>
  /**
   * One call of `load` for all tabs that ask for `key`: one runs it, and all get its result, or its error (ST5). Give the
   * event or the reset that calls for it: a result that was fetched after that event, within the last 60 s, will do
   * too. Without, only a load that is under way is joined, if it began no earlier than what this tab was told.
   *
   * @param key 1 to 200 characters
   * @param load its result is structured-cloneable; kept up to 5 MiB. Its `signal` aborts once no tab wants it
   * @throws TypeError `key`; what `load` rejects with, as an Error of that name and message in other tabs; the
   *   reason of `signal`; StreamError `kind: 'worker'`, the stream is closed
   */
  share<Value>(
    key: string,
    load: (context: { signal: AbortSignal }) => Promise<Value>,
    options?: { event?: StreamEvent | { reason: ResetReason }; signal?: AbortSignal },
  ): Promise<Value>
  /** @throws StreamError the worker does not answer within 10 s, or there is none */
  metrics(): Promise<Metrics>
  /**
   * A snapshot for people and bug reports, without credentials. `what` asks for more than where things stand: the
   * time line, what the log holds, a payload; nothing by default. Of a stream that is `failed` or `waiting` without a
   * worker it tells the status and the key. @throws as `metrics`
   */
  inspect(what?: InspectOptions): Promise<Inspection>
  /**
   * `<tabstream-inspector>` for this stream, at the end of the document and open; the same one at every call. Its code
   * is loaded by the first: nothing of it is in the main file.
   *
   * @throws Error its file, `inspector.js` beside `index.js`, does not load
   */
  openInspector(): Promise<InspectorElement>
  /**
   * The log starts over (I2): its events go, and every tab of this URL and user is told `reset{dropped}` before
   * anything newer. The stream goes on where it is, and nothing that comes is lost. Nothing happens while no tab's
   * worker has the stream.
   */
  dropLog(): void
  /** Tries now, whatever the state: after a new log-in, or by hand. Reopens a stream that stands. */
  reconnect(): void
  /**
   * The user logs out (A4): the stream ends in every tab of this URL and user, whose status becomes `closed`; its
   * token is forgotten and the log deleted. From the call on nothing arrives in this tab, and once it has
   * resolved in none. `connect()` begins afresh. An httpOnly cookie is your server's to clear.
   *
   * @throws StreamError after at most 20 s, with this tab closed in any case: `kind: 'worker'`, not every worker of
   *   the stream could be reached; `kind: 'storage'`, the database is still in use, and goes when it no longer is
   */
  signOut(): Promise<void>
  /** Lets go of the stream in this tab. Other tabs keep theirs. */
  close(): void
}
