/**
 * Runs work of one key one after the other, in the order of the calls; work of other keys runs meanwhile. Work that fails
 * is no matter to the next.
 */
export type InTurn = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>

export const createInTurn = (): InTurn => {
  const queues = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const former = queues.get(key) ?? Promise.resolve()
    const turn = former.catch(() => {}).then(work)
    queues.set(key, turn)
    try {
      return await turn
    } finally {
      if (queues.get(key) === turn) queues.delete(key)
    }
  }
}
