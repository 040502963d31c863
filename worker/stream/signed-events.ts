import type { Received } from '../log/received.ts'
import type { Verifier } from '../verify/verifier.ts'

export interface Verified {
  /** With what was signed in place of the signature. Of a refused event the position is left. */
  blocks: Received[]
  /** One message for each event that was refused. */
  refused: string[]
  /** Why the blocks end before an event that nobody can judge yet. */
  unavailable: string | null
}

/** A5: what may enter the log of what the server has sent, in its order. */
export const createVerification =
  (verifier: Verifier | null, types: string[]) =>
  async (received: Received[]): Promise<Verified> => {
    const verified: Verified = { blocks: received, refused: [], unavailable: null }
    if (verifier === null) return verified
    const signed = new Set<string | null>(types)
    verified.blocks = []
    for (const block of received) {
      const { type, data, position } = block
      if (type === null || !signed.has(type)) {
        verified.blocks.push(block)
        continue
      }
      const checked = await verifier({ id: position ?? '', type, data })
      const what = `An event "${type.slice(0, 100)}" is not delivered`
      if (checked.ok) verified.blocks.push({ ...block, data: checked.data })
      else if (checked.unavailable) {
        verified.unavailable = `${what} yet: ${checked.reason}. Check \`verify.jwks\`.`
        break
      } else {
        verified.refused.push(`${what}: ${checked.reason}.`)
        if (position !== null) verified.blocks.push({ ...block, type: null, data: '' })
      }
    }
    return verified
  }
