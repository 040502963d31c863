export type { WorkerFactoryOptions } from './attachment/worker-factory.ts'
export type { ClaimContext, ClaimMode, ClaimOptions } from './claim-options.ts'
export { connect } from './client.ts'
export type { ListenOptions, StreamEvent } from './delivery/listeners.ts'
export { text } from './delivery/parse.ts'
export type { EventsOf, SchemaMap, StandardSchema } from './delivery/schema.ts'
export { StreamError } from './errors.ts'
export type { ConnectOptions } from './options.ts'
export type { HistoryOptions, Received } from './received.ts'
export type { From, ResetReason } from './shared/events.ts'
export type {
  ClaimInspection,
  EventHead,
  Happening,
  Inspection,
  InspectOptions,
  Metrics,
  SessionInspection,
} from './shared/inspection.ts'
export type { ErrorKind, Status, StreamState } from './shared/status.ts'
export { Snapshot } from './snapshot.ts'
export type { State, StateCurrent, StateOptions } from './state-options.ts'
export type { EventMap, InspectorElement, Stream, TopicMap } from './stream.ts'
export type { Topic, TopicStatus } from './topic.ts'
