/**
 * ms of listeners in one task. A task over 50 ms counts as long (Long Tasks API), and slow devices take five times as
 * much.
 */
const TASK = 10

/** Lets input and frames come first. This is no timer, since a hidden page's timers run once a second, or a minute. */
const nextTask = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })

/** Runs over all items, in order, in tasks of 10 ms. So a large batch, which is cheap to send, is no long task (P1). */
export const runInShortTasks = async <T>(items: T[], run: (item: T) => void, isOver: () => boolean) => {
  let since = performance.now()
  for (const item of items) {
    if (isOver()) return
    run(item)
    if (performance.now() - since < TASK) continue
    await nextTask()
    since = performance.now()
  }
}
