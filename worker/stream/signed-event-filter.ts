import type { Verifier } from '../verify/verifier.ts'
import type { Block } from './parser.ts'

/** What is left of some blocks once the events that must be signed have been checked. */
export interface Filtered {
  /** What was signed stands in place of the signature. Of a refused event the position is left. */
  blocks: Block[]
  /** One message for each event that was refused. */
  refused: string[]
  /** Why the blocks end before an event that nobody can judge yet. */
  unavailable: string | null
}

/** Never rejects. */
export type SignedEventFilter = (received: Block[]) => Promise<Filtered>

/**
 * A5: what may enter the log of what the server has sent, in its order.
 *
 * @param verifier `null`: no event has to be signed
 * @param types of the events that have to be
 */
export const createSignedEventFilter = (verifier: Verifier | null, types: string[]): SignedEventFilter => {
  const signed = new Set<string | null>(types)
  return async (received) => {
    const filtered: Filtered = { blocks: received, refused: [], unavailable: null }
    if (verifier === null) return filtered
    filtered.blocks = []
    for (const block of received) {
      const { type, data, position } = block
      if (type === null || !signed.has(type)) {
        filtered.blocks.push(block)
        continue
      }
      const checked = await verifier({ id: position ?? '', type, data })
      const what = `An event "${type.slice(0, 100)}" is not delivered`
      if (checked.ok) filtered.blocks.push({ ...block, data: checked.data })
      else if (checked.unavailable) {
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
