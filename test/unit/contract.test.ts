import { describe, it } from 'vitest'
import { scenarios } from '../contract.ts'
import { openArena } from './harness/arena.ts'

describe.each(['shared-worker', 'worker'] as const)('the contract, over a %s in memory', (host) => {
  it.each(scenarios)('$name', async ({ run }) => {
    const arena = openArena(host)
    try {
      await run(arena)
    } finally {
      arena.close()
    }
  })
})
