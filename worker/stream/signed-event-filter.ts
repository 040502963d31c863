import type { MetricsRecorder } from '../base/metrics.ts'
import type { Verifier } from '../verify/verifier.ts'
import type { Block } from './parser.ts'
import type { TakenEvents } from './taken-events.ts'

/** What is left of some blocks once the events that must be signed have been checked. */
export interface Filtered {
  /** A genuine event has what was signed as its data. Of a refused event only the position is left. */
  blocks: Block[]
  /** One message for each event that was refused. */
  refused: string[]
  /** Why the blocks end before an event that nobody can judge yet; `null`: they do not. */
  unavailable: string | null
}

export interface SignedEventFilterOptions {
  /** `null`: no event has to be signed. */
  verifier: Verifier | null
  /** The types whose events have to be signed. */
  types: string[]
  taken: Pick<TakenEvents, 'sync' | 'find'>
  metrics: Pick<MetricsRecorder, 'duplicate'>
}

/** Never rejects. */
export type SignedEventFilter = (received: Block[]) => Promise<Filtered>

/**
 * A5: decides which blocks of the server may enter the log, and keeps their order.
 *
 * An event that was taken already is dropped. If no reset has come since, it is dropped silently: a server may send
 * again what came before a cut (D3). Otherwise it counts as refused.
 */
export const createSignedEventFilter = ({
  verifier,
  types,
  taken,
  metrics,
}: SignedEventFilterOptions): SignedEventFilter => {
  const signed = new Set<string | null>(types)
  return async (received) => {
    const filtered: Filtered = { blocks: received, refused: [], unavailable: null }
    if (verifier === null) return filtered
    filtered.blocks = []
    await taken.sync()
    /** The events of this chunk that were let in, by id and data. `before`: a reset has come after the event. */
    const inThisChunk = new Map<string, 'held' | 'before'>()
    let isReset = false
    const find = (id: string, data: string) => {
      const found = taken.find(id, data)
      // A reset in this chunk has not reached the log yet, so `taken` does not know of it.
      return inThisChunk.get(`${id}\n${data}`) ?? (found === 'held' && isReset ? 'before' : found)
    }
    for (const block of received) {
      const { type, data, givenId, topic } = block
      if (type === 'stream.reset') {
        isReset = true
        for (const key of inThisChunk.keys()) inThisChunk.set(key, 'before')
      }
      if (type === null || !signed.has(type)) {
        filtered.blocks.push(block)
        continue
      }
      const checked = await verifier({ id: givenId ?? '', type, data, topic })
      const what = `An event "${type.slice(0, 100)}" is not delivered`
      if (checked.ok) {
        const { data } = checked
        const found = find(givenId!, data)
        if (found === null) {
          inThisChunk.set(`${givenId}\n${data}`, 'held')
          filtered.blocks.push({ ...block, data })
        } else if (found === 'held') metrics.duplicate()
        else filtered.refused.push(`${what}: it was taken before, and comes again after a reset.`)
      } else if (checked.unavailable) {
        filtered.unavailable = `${what} yet: ${checked.reason}. Check \`verify.jwks\`.`
        break
      } else {
        filtered.refused.push(`${what}: ${checked.reason}.`)
        if (givenId !== null) filtered.blocks.push({ ...block, type: null, data: '' })
      }
    }
    return filtered
  }
}
