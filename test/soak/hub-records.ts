import type { Happening, Metrics } from '../../src/shared/inspection.ts'
import type { Tab } from '../browser/tab.ts'
import { continueTimeline } from './hub-states.ts'

/** What one run of a hub has told of itself. */
export interface HubRecord {
  metrics: Metrics
  timeline: Happening[]
}

/** As many entries as a hub keeps. */
const ALL = 200

/** What all hubs have told. A hub that has died meanwhile keeps what it told last. */
export interface HubRecords {
  /** Asks the hub of this tab. */
  look(tab: Tab): Promise<void>
  all(): HubRecord[]
}

export const createHubRecords = (): HubRecords => {
  const records = new Map<string, HubRecord>()
  return {
    async look(tab) {
      const { incarnation, timeline } = await tab.inspect({ timeline: ALL })
      const kept = records.get(incarnation)?.timeline ?? []
      records.set(incarnation, {
        metrics: await tab.metrics(),
        timeline: continueTimeline(kept, timeline),
      })
    },
    all: () => [...records.values()],
  }
}
