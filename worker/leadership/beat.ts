/** ms between a leader's signs of life, and between a follower's looks at them. */
export const BEAT = 1_000
