import type { HubView } from '../hub-watch.ts'
import type { Server } from '../server.ts'
import type { DemoTab } from '../tab.ts'
import type { TabReport } from '../tabs.ts'

export interface FaultContext {
  user: string
  tab: DemoTab
  server: Server
  readHub: () => Promise<HubView | null>
  /** Calls back whenever any tab has changed. Returns the unsubscribe. */
  onTabs: (listener: (tabs: TabReport[]) => void) => () => void
  setOthers: (others: { status: number }[]) => void
  /** How far it is, to who waits. */
  say: (text: string) => void
}

export interface Outcome {
  /** Whether what was promised is what happened. */
  kept: boolean
  text: string
}

/** Something that can be broken: what it says will happen, does, and then measured. */
export interface Fault {
  id: string
  title: string
  claim: string
  run: (context: FaultContext) => Promise<Outcome>
  /** Goes on after a reload, for a fault that ends in one. */
  after?: (context: FaultContext) => Promise<Outcome | undefined>
}
