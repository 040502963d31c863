import type { Inspection, InspectOptions, Metrics } from '../shared/inspection.ts'
import type { Status } from '../shared/status.ts'
import type { Inspected } from '../stream.ts'

/** What is known of a stream at one moment. */
export interface Snapshot {
  /** In ms since 1970. */
  at: number
  status: Status
  /** Of the last answer, which may be older; `null`: there was none. */
  inspection: Inspection | null
  metrics: Metrics | null
  /** Why there is no newer answer; `''`: there is. */
  problem: string
}

export interface Panel {
  name: string
  label: string
  element: HTMLElement
  /** What it shows beyond every inspection. Asked only while it is in view. */
  ask?(): InspectOptions
  show(snapshot: Snapshot): void
  close?(): void
}

/** What a panel may do beside showing. */
export interface Workplace {
  stream: Inspected
  /** Says so for a moment. */
  say(message: string): void
  copy(text: string | Promise<string>, what: string): void
}
