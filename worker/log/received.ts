/** A block of the stream: an event, a control of a topic (`type: ''`), or an id that came without one (`type: null`). */
export interface Received {
  /** The id that this block gave. `null`: it gave none, and `id` is inherited. */
  givenId: string | null
  /** The last event ID at dispatch. */
  id: string
  type: string | null
  data: string
  /** `null`: none. */
  topic: string | null
}
