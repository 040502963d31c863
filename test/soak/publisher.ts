import { setTimeout as pause } from 'node:timers/promises'
import { range } from '../browser/tab.ts'
import { askNode } from './ask-node.ts'

/** Publishes numbered events, the same number for each user. */
export interface Publisher {
  /** So many more for each user, at once. */
  publish(count: number): Promise<void>
  /** Publishes steadily until `stop`. */
  start(perSecond: number): void
  /** @throws Error a publication has failed: nothing can be said of what came after */
  stop(): Promise<void>
  /** The last number that is in the log of every user. */
  published(): number
}

export const createPublisher = (opsUrl: string, users: string[]): Publisher => {
  let last = 0
  let isRunning = false
  let done = Promise.resolve()

  const publish = async (count: number) => {
    const events = range(last + 1, last + count).map((n) => ({
      type: 'task.progress_updated',
      data: { n, id: `task-${n}`, label: 'Soak', percent: n % 101 },
    }))
    await Promise.all(users.map((user) => askNode(opsUrl, 'publish', { user, events })))
    last += count
  }

  const run = async (perSecond: number) => {
    const began = Date.now()
    for (let count = 1; isRunning; count++) {
      await publish(1)
      await pause(Math.max(0, began + (count * 1_000) / perSecond - Date.now()))
    }
  }

  return {
    publish,
    start(perSecond) {
      isRunning = true
      done = run(perSecond)
      // `stop` tells of it.
      done.catch(() => {})
    },
    async stop() {
      isRunning = false
      await done
    },
    published: () => last,
  }
}
