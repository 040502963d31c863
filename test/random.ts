/** mulberry32: small, and the same everywhere, so that a seed repeats a run. @returns in [0, 1) */
export const createRandom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export type Random = ReturnType<typeof createRandom>

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!
