import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once it holds. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>, timeout = 15_000) => {
  for (const end = Date.now() + timeout; !(await holds()); await sleep(50))
    if (Date.now() > end) throw new Error(`Not within ${timeout} ms: ${what}`)
}
