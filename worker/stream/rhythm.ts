/** The rhythm that a server's signs of life show (S3). All times in ms. */
export interface Rhythm {
  /** A stream opened: its first gap begins with its own first sign of life. */
  opened(): void
  /**
   * A chunk came.
   *
   * @param kind `keep-alive`: a comment, a ping, or an id without an event; `event`: one or more events
   * @returns whether the period changed
   */
  came(kind: 'keep-alive' | 'event', at: number): boolean
  /** The stream was given up after this silence. The server's rhythm may have become as slow as that. */
  gaveUp(silence: number): void
  /** The longest time between two signs of life of this server; `null`: the server has shown no rhythm. */
  period(): number | null
}

/** Keep-alives closer together than this count as one: a server may write several lines at once. */
const BURST = 200
/** A silence beyond this is no part of a rhythm: the machine slept, or the server had nothing to say. */
const LONGEST = 300_000
/** Gaps that must agree before a rhythm is known, and before a shorter one takes its place. */
const SHOWN_BY = 3
const SHORTER_BY = 8
/** Gaps agree if the longest is at most so many times the shortest. */
const AGREE = 2

/**
 * Learns a server's period T from its keep-alives. Some servers write them every T, others once T has passed since they
 * wrote anything. With either, two keep-alives are T apart if no event came in between. With an event in between, only
 * the first kind keeps them T apart. So gaps without an event decide, and the others count only while there are none.
 *
 * @param kept the period of an earlier stream, or `null`
 */
export const createRhythm = (kept: number | null): Rhythm => {
  let period = kept
  /** When the last keep-alive came; `null`: none has, since the stream opened. */
  let last: number | null = null
  let hadEvent = false
  /** The newest gaps, the newest at the end. If `isPure`, none of them had an event in it; otherwise each had. */
  let gaps: number[] = []
  let isPure = false
  /** Gaps with events in between have shown the period, so that the true one may be shorter. */
  let isBound = false

  const learn = (gap: number) => {
    gaps = [...gaps.slice(1 - SHORTER_BY), gap]
    const longest = Math.max(...gaps)
    // One gap was that long, whatever the others were like, so the next one of this length must be no surprise.
    if (period !== null && gap > period && isPure) period = gap
    if (longest > AGREE * Math.min(...gaps)) return
    const needed = period === null || longest > period || (isBound && isPure) ? SHOWN_BY : SHORTER_BY
    if (gaps.length < needed) return
    period = longest
    isBound = !isPure
  }

  return {
    opened() {
      last = null
      hadEvent = false
    },
    came(kind, at) {
      if (kind === 'event') {
        hadEvent = true
        return false
      }
      const gap = last === null ? 0 : at - last
      const isPureGap = !hadEvent
      last = at
      hadEvent = false
      // A negative gap comes from a clock that was set back, and says nothing either.
      if (gap < BURST || gap > LONGEST || (isPure && !isPureGap)) return false
      if (isPureGap && !isPure) {
        isPure = true
        gaps = []
      }
      const before = period
      learn(gap)
      return period !== before
    },
    gaveUp(silence) {
      gaps = []
      period = period === null || silence > LONGEST ? null : silence
    },
    period: () => period,
  }
}
