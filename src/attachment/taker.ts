import type { PackedBatch, TabApi } from '../shared/protocol.ts'
import type { Acknowledgements } from './acknowledgements.ts'

/**
 * Takes the batches of one hub one after the other, and none without the one before: several may be on their way, and
 * the hub sends one again that this tab could not take.
 *
 * @param take resolves once the listeners have run
 */
export const createTaker = (
  take: (batch: PackedBatch) => Promise<void>,
  acknowledgements: Pick<Acknowledgements, 'due'>,
): TabApi['deliver'] => {
  let taken = 0
  let turn: Promise<void> = Promise.resolve()

  const takeNext = async (batch: PackedBatch, number: number) => {
    if (number > taken + 1) throw new Error(`Batch ${taken + 1} is missing.`)
    await take(batch)
    taken = Math.max(taken, number)
  }

  return async (batch, number, mayWait) => {
    const mine = turn.then(() => takeNext(batch, number))
    turn = mine.catch(() => {})
    await mine
    await acknowledgements.due(mayWait)
  }
}
