export { connect } from './client.ts'
export { StreamError } from './errors.ts'
export type { StreamEvent } from './listeners.ts'
export type { ConnectOptions, WorkerFactoryOptions } from './options.ts'
export type {
  ErrorKind,
  EventHead,
  From,
  Happening,
  Inspection,
  InspectOptions,
  Metrics,
  ResetReason,
  SessionInspection,
  Status,
  StreamState,
} from './protocol.ts'
export type { EventsOf, SchemaMap, StandardSchema } from './schema.ts'
export type { EventMap, InspectorElement, Stream } from './stream.ts'
