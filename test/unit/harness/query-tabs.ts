import type { Stream } from '../../../src/index.ts'
import type { Sharing } from '../../../src/query/feed.ts'
import type { EventMap } from '../../../src/stream.ts'
import { createTestStream } from '../../../src/testing.ts'

type Options = Parameters<Sharing['share']>[2]

/** Tabs of one browser: each has a stream of its own, and one load serves all of them (ST5). */
export const createTabs = () => {
  const running = new Map<string, Promise<unknown>>()
  const kept = new Map<string, { value: unknown; head: number }>()
  const tabs: ReturnType<typeof openTab>[] = []
  const keys: string[] = []
  let head = 0

  const share = async (
    key: string,
    load: (context: { signal: AbortSignal }) => unknown,
    options: Options,
  ) => {
    const needed = options.event && 'id' in options.event ? Number(options.event.id) : head
    const last = kept.get(key)
    if (options.event && last && last.head >= needed) return last.value
    const begun = running.get(key)
    if (begun) return begun
    keys.push(key)
    const at = head
    const run = (async () => {
      const value = structuredClone(await load({ signal: new AbortController().signal }))
      kept.set(key, { value, head: at })
      return value
    })().finally(() => running.delete(key))
    running.set(key, run)
    return run
  }
  const openTab = () => {
    const test = createTestStream<EventMap>()
    let heard = 0
    const waiting = new Set<() => void>()
    const seen = (id: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (heard < Number(id)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    test.stream.on('*', (_, { id }) => {
      heard = Number(id)
    })
    const stream = Object.assign(test.stream, { share, seen }) as unknown as Stream<EventMap>
    const told = () => {
      for (const look of [...waiting]) look()
    }
    return { ...test, stream, told }
  }

  return {
    open() {
      const tab = openTab()
      tabs.push(tab)
      return tab
    },
    /** The server's next event, in every tab. @param others whether more than the first tab hears it by now */
    emit(type: string, payload: unknown, topic?: string, others = true) {
      const id = String(++head)
      for (const tab of others ? tabs : tabs.slice(0, 1)) {
        void tab.emit(type, payload, topic === undefined ? { id } : ({ id, topic } as never))
        tab.told()
      }
    },
    reset() {
      // The log of a fresh epoch has no place of the former one.
      kept.clear()
      for (const tab of tabs) tab.reset()
    },
    /** What was asked of `share` that a tab then ran, in order. */
    keys,
  }
}

/** A server whose answers are given by hand. */
export const createServer = <Value>(value: () => Value) => {
  const open: (() => void)[] = []
  const load = async (): Promise<Value> => {
    load.calls++
    const answer = structuredClone(value())
    if (load.isSlow) await new Promise<void>((resolve) => open.push(resolve))
    return answer
  }
  load.calls = 0
  load.isSlow = false
  /** Answers what is under way. */
  load.answer = () => {
    for (const resolve of open.splice(0)) resolve()
  }
  return load
}
