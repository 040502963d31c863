export { type Change, type StreamCollection, type StreamCollectionOptions, streamCollection } from './db.ts'
export type { Feeding, OfStream, OfTopic, On } from './options.ts'
export { type StreamSubscriptionOptions, type Subscribe, streamSubscription } from './swr.ts'
export {
  bindQueries,
  type QueryClientLike,
  type StreamQuery,
  type StreamQueryOptions,
  streamQuery,
} from './tanstack.ts'
