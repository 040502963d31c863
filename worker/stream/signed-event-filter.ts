import type { MetricsRecorder } from '../base/metrics.ts'
import type { Verifier } from '../verify/verifier.ts'
import type { Block } from './parser.ts'
import type { TakenEvents } from './taken-events.ts'

/** What is left of some blocks once the events that must be signed have been checked. */
export interface Filtered {
  /** What was signed stands in place of the signature. Of a refused event the position is left. */
  blocks: Block[]
  /** One message for each event that was refused. */
  refused: string[]
  /** Why the blocks end before an event that nobody can judge yet. */
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
 * A5: what may enter the log of what the server has sent, in its order.
 *
 * An event that was taken already is dropped: silently if no reset came since, as where a server sends again what came
 * before a cut (D3), and as a refused one otherwise.
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
    /** What of this chunk was let in, by id and data, and whether a reset has come behind it. */
    const inThisChunk = new Map<string, 'held' | 'before'>()
    let isReset = false
    const find = (id: string, data: string) => {
      const found = taken.find(id, data)
      // The log has yet to hear of the reset.
      return inThisChunk.get(`${id}\n${data}`) ?? (found === 'held' && isReset ? 'before' : found)
    }
    for (const block of received) {
      const { type, data, position } = block
      if (type === 'stream.reset') {
        isReset = true
        for (const key of inThisChunk.keys()) inThisChunk.set(key, 'before')
      }
      if (type === null || !signed.has(type)) {
        filtered.blocks.push(block)
        continue
      }
      const checked = await verifier({ id: position ?? '', type, data })
      const what = `An event "${type.slice(0, 100)}" is not delivered`
      if (checked.ok) {
        const { data } = checked
        const found = find(position!, data)
        if (found === null) {
          inThisChunk.set(`${position}\n${data}`, 'held')
          filtered.blocks.push({ ...block, data })
        } else if (found === 'held') metrics.duplicate()
        else filtered.refused.push(`${what}: it was taken before, and comes again after a reset.`)
      } else if (checked.unavailable) {
        filtered.unavailable = `${what} yet: ${checked.reason}. Check \`verify.jwks\`.`
        break
      } else {
        filtered.refused.push(`${what}: ${checked.reason}.`)
        if (position !== null) filtered.blocks.push({ ...block, type: null, data: '' })
      }
    }
    return filtered
  }
}
