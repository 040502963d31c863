/** Which events must be signed, and by whom (A5). */
export interface Verify {
  jwks: string
  audience: string
  /** Sorted. */
  types: string[]
}

/** How topics are asked for, and for how long they are kept (R7). */
export interface TopicOptions {
  /** The query parameter that asks for a topic. */
  param: string
  /** Between the names in one parameter; `null`: the parameter repeats. */
  separator: string | null
  /** `auto`: by R8 where the server offers it. `reopen`: always by another request for the stream. */
  change: 'auto' | 'reopen'
  /** ms for which a topic is kept that no tab wants any more. */
  grace: number
  /** How many topics one stream has at most. */
  most: number
}

/** The options that the hub works by. The first tab of a key sets them; a later tab's must agree. */
export interface HubOptions {
  url: string
  user: string | null
  auth: { exchange: string | null; dpop?: true } | null
  withCredentials: boolean
  /** The application's own headers for the stream's requests. */
  headers: Record<string, string>
  resume: 'lenient' | 'strict'
  /** The limits of silence (S3); `null`: they follow from the rhythm that the server shows. */
  heartbeat: { timeout: number; misses: number } | null
  /** The query parameter that carries the position, in place of the header `Last-Event-ID`; `null`: the header. */
  lastEventId: { query: string } | null
  log: { events: number; bytes: number; age: number; newest: number }
  dedupe: boolean
  maxEventSize: number
  coalesce: number
  /** Deliveries to hidden tabs (H1), and how long a stream is kept that no tab in view needs (H2), both in ms. */
  hidden: { every: number; release: number | false }
  verify: Verify | null
  /** `null`: the stream has no topics, and a `: topic` line is a comment. */
  topics: TopicOptions | null
}
