import { afterEach, describe, expect, it, vi } from 'vitest'
import { runInShortTasks } from '../../../../src/delivery/short-tasks.ts'

describe('P8 a large batch', () => {
  afterEach(() => void vi.restoreAllMocks())

  /** Every item takes so many ms. */
  const run = async (count: number, ms: number, isOver = (_heard: number) => false) => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    const heard: number[] = []
    const tasks: number[] = []
    const took = (item: number) => {
      heard.push(item)
      now += ms
    }
    const items = Array.from({ length: count }, (_, index) => index)
    const done = runInShortTasks(items, took, () => isOver(heard.length))
    tasks.push(heard.length)
    // A task of the same kind, which comes in between where there is a gap.
    const { port1, port2 } = new MessageChannel()
    const other = new Promise((resolve) => {
      port1.onmessage = resolve
    })
    port2.postMessage(null)
    await other
    tasks.push(heard.length)
    await done
    port1.close()
    return { heard, items, tasks }
  }

  it('is heard in one go where that takes no time', async () => {
    const { heard, items, tasks } = await run(2_000, 0.001)
    expect(tasks[0]).toBe(2_000)
    expect(heard).toEqual(items)
  })

  it('of slow listeners is heard in order, in tasks of 10 ms, between which others come', async () => {
    const { heard, items, tasks } = await run(100, 3)
    expect(tasks[0]).toBe(4)
    expect(tasks[1]).toBeLessThan(100)
    expect(heard).toEqual(items)
  })

  it('ends where it is over', async () => {
    const { heard } = await run(100, 3, (count) => count === 7)
    expect(heard).toHaveLength(7)
  })
})
