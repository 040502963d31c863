/** Which events must be signed, and by whom (A5). */
export interface Verify {
  jwks: string
  audience: string
  /** Sorted. */
  types: string[]
}

/** The options that the hub works by. The first tab of a key sets them; a later tab's must agree. */
export interface HubOptions {
  url: string
  user: string | null
  auth: { exchange: string | null } | null
  withCredentials: boolean
  /** The application's own, for the stream's request. */
  headers: Record<string, string>
  resume: 'lenient' | 'strict'
  heartbeat: { timeout: number; misses: number }
  log: { events: number; bytes: number; age: number }
  maxEventSize: number
  coalesce: number
  verify: Verify | null
}
