import type { Status, Stream, Topic } from '../../../../src/index.ts'
import type { StateOptions } from '../../../../src/state-options.ts'
import type { EventMap } from '../../../../src/stream.ts'

/** What `StreamProvider` and `provideStream` take. */
export interface Provide {
  connect?: () => Stream<EventMap>
  stream?: Stream<EventMap>
}

/** A value as the framework gives it: a ref, an accessor, or an object with `current`. */
export type Reactive = unknown

/** The hooks of one framework, without its application's declaration. */
export interface Hooks {
  useStream(): Reactive
  useTopic(name: unknown): Reactive
  useEvent(
    type: string,
    listener: (payload: unknown) => void,
    options?: { topic?: Reactive; urgent?: boolean },
  ): void
  useClaim(type: string, handler: (payload: unknown) => unknown, options: { mode: 'at-most-once' }): void
  useLatest(type: string, options?: { topic: Reactive }): Reactive
  useStreamState(options: StateOptions<EventMap, unknown> | (() => StateOptions<EventMap, unknown>)): Reactive
  useStatus(select?: (status: Status) => unknown): Reactive
}

/** The set-up of a component. What it returns is its text, and is read as the framework reads a template. */
export type Use = () => () => string

/** What the tests need of a framework in a browser. */
export interface Client {
  hooks: Hooks
  /** @returns unmounts */
  mount(container: Element, provide: Provide, use: Use): () => unknown
  /** What a reactive value has: tracked, where the framework tracks. */
  read(value: Reactive): unknown
  /** A value of the application's own, and what a hook is given so that it follows. */
  state(first: string): { set(next: string): void; followed: unknown; get(): string }
  /** Resolves once everything is rendered that has changed. */
  settle(): Promise<unknown>
}

export interface Server {
  hooks: Hooks
  read(value: Reactive): unknown
  render(provide: Provide, use: Use): Promise<string>
}

export type { EventMap, Topic }
