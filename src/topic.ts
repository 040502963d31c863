/// <reference lib="esnext.disposable" preserve="true" />
import type { ErrorData } from './shared/status.ts'
import type { Heard, Off } from './stream.ts'

export interface TopicStatus {
  /**
   * `joining`: the server has not taken it yet, or no longer has it. `live`: everything of it is heard from here on.
   * `refused`: the server does not give it, as `error` says. `left`: this handle is left, or the stream is closed.
   */
  state: 'joining' | 'live' | 'refused' | 'left'
  /** Of a `live` topic: the server has said so (R7). `false`: it has merely answered 200, and may know no topics. */
  confirmed: boolean
  /** Why it is `refused`; `null`: it is not. */
  error: ErrorData | null
}

/** One handle of a topic (`stream.topic`). It is left by `leave()`, by its `signal`, and by `using`. */
export interface Topic<Events> extends Heard<Events> {
  readonly name: string
  /** The status of the moment. A new object whenever it changes. */
  readonly status: TopicStatus
  /** Hears every change of `status`. */
  onStatus(listener: (status: TopicStatus) => void): Off
  /**
   * Resolves once the topic is `live`, for each type that this handle listens to by then. What is fetched behind it, and
   * what is heard, is all (TO3).
   *
   * @throws StreamError `kind: 'topic'`, the server refused it; `'limit'`, there are too many; `'worker'`, it is left;
   *   as `opened()`, the stream has ended. Or the reason of `signal`, once that aborts
   */
  ready(options?: { signal?: AbortSignal }): Promise<void>
  /** Nothing is heard any more by this handle (TO6). The tab leaves the topic with its last handle. */
  leave(): void
  [Symbol.dispose](): void
}
