/** ms between an answer and the next question: each costs the hub and the page a message. */
const EVERY = 1_000

export interface PollOptions {
  /** Whether anybody can see the answer. */
  isSeen(): boolean
  /** Settles with the answer; never rejects. */
  ask(): Promise<void>
  after?(ms: number, run: () => void): () => void
}

export type Poll = ReturnType<typeof createPoll>

const later = (ms: number, run: () => void) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** Asks once a second, one question at a time, while somebody looks (I3). */
export const createPoll = ({ isSeen, ask, after = later }: PollOptions) => {
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
    /** Something has happened: the answer is old. */
    now() {
      if (running) void turn()
    },
  }
}
