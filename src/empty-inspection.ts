import type { Inspection } from './shared/inspection.ts'
import { PROTOCOL } from './shared/protocol.ts'
import type { Status } from './shared/status.ts'

/** The inspection of a stream without a hub: it has a key and a status, and nothing else. */
export const emptyInspection = (key: string, status: Status): Inspection => ({
  protocol: PROTOCOL,
  incarnation: '',
  tab: '',
  key,
  status,
  sessions: [],
  claims: [],
  log: {
    epoch: '',
    first: 1,
    head: 0,
    committed: 0,
    durable: false,
    lastEventId: status.lastEventId,
    newest: 0,
    topics: {},
  },
  loads: [],
  timeline: [],
  heads: [],
  data: null,
})
