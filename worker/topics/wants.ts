import type { Platform } from '../base/platform.ts'

/** ms without a word from a follower, after which its tabs want nothing. A follower says hello once a second. */
const FOLLOWER_GONE = 5_000

/** What the tabs of the hubs that follow want. */
export interface Wants {
  /** A follower says what its tabs want. */
  heard(hub: string, names: string[]): void
  ofFollowers(): string[]
  /** When the next follower counts as gone, in ms since 1970; Infinity: there is none. */
  until(): number
}

export const createWants = ({ now }: Pick<Platform, 'now'>): Wants => {
  const followers = new Map<string, { names: string[]; until: number }>()

  const present = () => {
    for (const [hub, { until }] of followers) if (until <= now()) followers.delete(hub)
    return [...followers.values()]
  }

  return {
    heard: (hub, names) => void followers.set(hub, { names, until: now() + FOLLOWER_GONE }),
    ofFollowers: () => present().flatMap(({ names }) => names),
    until: () => Math.min(...present().map(({ until }) => until)),
  }
}
