/** Signs of life as far as they show a rhythm (S3). All times in ms. */
export interface Rhythm {
  /** A stream opened: what came before it says nothing of its first gap. */
  opened(): void
  /**
   * A chunk came.
   *
   * @param kind `keep-alive`: a comment, a ping, or an id without an event; `event`: one or more events
   * @returns whether the period changed
   */
  came(kind: 'keep-alive' | 'event', at: number): boolean
  /** The stream was given up after so long a silence: that much may be this server's rhythm now. */
  gaveUp(silence: number): void
  /** The longest time between two signs of life of this server; `null`: it has shown no rhythm. */
  period(): number | null
}

/** Keep-alives closer than this are one: a server may write several lines at once. */
const BURST = 200
/** A silence beyond this is none that a rhythm explains: the machine slept, or the server is silent by nature. */
const LONGEST = 300_000
/** Gaps that must agree before a rhythm is known, and before a shorter one takes its place. */
const SHOWN_BY = 3
const SHORTER_BY = 8
/** Gaps agree if the longest is at most so many times the shortest. */
const AGREE = 2

/**
 * A server writes keep-alives every T, or once T has passed since it wrote anything. In both, two keep-alives with no
 * event in between are T apart; with events in between, they are T apart in the first, and any time in the second. So
 * gaps without an event in between decide, and the others only as long as there are none.
 *
 * @param kept the period of an earlier stream, or `null`
 */
export const createRhythm = (kept: number | null): Rhythm => {
  let period = kept
  /** When the last keep-alive came; `null`: none has, since the stream opened. */
  let last: number | null = null
  let hadEvent = false
  /** The newest gaps, the newest at the end; all of them `isPure`, or none. */
  let gaps: number[] = []
  let isPure = false
  /** Gaps with events in between have shown the period: it may be shorter. */
  let isBound = false

  const learn = (gap: number) => {
    gaps = [...gaps.slice(1 - SHORTER_BY), gap]
    const longest = Math.max(...gaps)
    // It was as long once, whatever the others were like: the next gap of this length is no surprise.
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
      // A clock that was set back says nothing either.
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
