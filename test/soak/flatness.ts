import { median } from '../statistics.ts'

/** How much more the last quarter may have than the first: this share of the first, and so many bytes. */
export interface Tolerance {
  share: number
  bytes: number
}

/** Bytes, each the median of a quarter of the time; `NaN`: too few samples. */
export interface Growth {
  first: number
  last: number
}

export const growthOf = (samples: number[]): Growth => {
  const quarter = Math.floor(samples.length / 4)
  return {
    first: median(samples.slice(0, quarter)),
    last: quarter === 0 ? Number.NaN : median(samples.slice(-quarter)),
  }
}

/** Never of what was not measured. */
export const isFlat = ({ first, last }: Growth, { share, bytes }: Tolerance): boolean =>
  last <= first * (1 + share) + bytes
