/** ms between an answer and the next question: each costs the hub and the page a message. */
const EVERY = 1_000

export interface PollOptions {
  /** Whether anybody can see the answer. */
  isSeen(): boolean
  /** Settles with the answer; never rejects. */
  ask(): Promise<void>
  after?(ms: number, run: () => void): () => void
}

/** A question that is asked again and again while somebody looks. */
export interface Poll {
  start(): void
  stop(): void
  /** Something has happened, so that the last answer is old: asks at once, if the poll runs. */
  now(): void
}

const later = (ms: number, run: () => void) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** Asks once a second, one question at a time, while somebody looks (I3). */
export const createPoll = ({ isSeen, ask, after = later }: PollOptions): Poll => {
  let cancel = () => {}
  let running = false
  let asking = false
  let again = false

  const turn = async () => {
    if (asking) {
      again = true
      return
    }
    cancel()
    asking = true
    do {
      again = false
      if (isSeen()) await ask()
    } while (again && running)
    asking = false
    if (running) cancel = after(EVERY, () => void turn())
  }

  return {
    start() {
      if (running) return
      running = true
      void turn()
    },
    stop() {
      running = false
      cancel()
    },
    now() {
      if (running) void turn()
    },
  }
}
