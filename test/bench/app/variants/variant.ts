export interface Hearing {
  /** Tells the streams of one run from those of all others. */
  run: string
  /** To be given each event's data, in the tab. */
  hear(data: string): void
  /** The stream is open, and every later event is heard. */
  opened(): void
  /** What it told of itself that no run should hear. */
  complain(what: string): void
}

/** One way of getting a stream into a tab. */
export type OpenVariant = (url: string, hearing: Hearing) => void
