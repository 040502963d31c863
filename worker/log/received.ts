/** A block of the stream: an event, or (`type: null`) an id that came without one. */
export interface Received {
  /** The id that this block set. `null`: it set none, and `id` is inherited. */
  position: string | null
  /** The last event ID at dispatch. */
  id: string
  type: string | null
  data: string
}
