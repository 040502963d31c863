/** A block of the stream: an event, or (`type: null`) an id that came without one. */
export interface Received {
  /** The id that this block gave. `null`: it gave none, and `id` is inherited. */
  givenId: string | null
  /** The last event ID at dispatch. */
  id: string
  type: string | null
  data: string
}
