/** ms of listeners in one task: one of over 50 ms counts as long (Long Tasks API), and slow devices take five times as much. */
const TASK = 10

/** Lets input and frames come first. No timer: those of a hidden page run once a second, or a minute. */
const nextTask = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })

/** Runs over all, in order, so that a large batch is no long task: messages may be as large as is cheap (P1). */
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
