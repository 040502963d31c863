import type { Stream } from 'tabstream'

/** One handle of a topic, from its join to its leave: what it was told, in order. */
export interface TopicLife {
  name: string
  /**
   * `n`: an event. `count`: what the server had, fetched once the topic was ready, and after each reset; `resets`: how many
   * had been told when the fetch began. `hub`: the page has lost its hub, and looks for another one.
   */
  told: (
    | { n: number }
    | { count: number; resets: number }
    | { reset: string }
    | { hub: 'lost' }
    | { state: string; confirmed: boolean }
  )[]
  /** Why `ready()` rejected; `null`: it did not. */
  refused: { kind: string; status: number | null } | null
  isLeft: boolean
}

declare global {
  interface Window {
    lives: TopicLife[]
    /** @returns the index of its life */
    joinTopic(name: string): number
    leaveTopic(index: number): void
  }
}

export const lives: TopicLife[] = []
const leaves: (() => void)[] = []

/** The page starts a worker, or connects to one. After the first, each shows that the page has lost its hub. */
export const workerStarted = () => {
  for (const { told, isLeft } of lives) if (!isLeft) told.push({ hub: 'lost' })
}

export const joinTopic: Window['joinTopic'] = (name) => {
  const topic = (
    window.stream as unknown as Stream<never, Record<string, Record<string, { n: number }>>>
  ).topic(name)
  const life: TopicLife = { name, told: [], refused: null, isLeft: false }
  /** As an application fetches its state. */
  const count = async () => {
    const resets = life.told.filter((each) => 'reset' in each).length
    // A line that is cut answers once it is whole again.
    for (;;) {
      try {
        const response = await fetch(`/count?topic=${encodeURIComponent(name)}`)
        return life.told.push({ count: await response.json(), resets })
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
  topic.on('*', ({ n }) => life.told.push({ n }))
  topic.onReset(({ reason }) => {
    life.told.push({ reset: reason })
    void count()
  })
  const whenReady = () =>
    topic.ready().then(count, ({ kind, status }) => {
      life.refused = { kind, status }
    })
  topic.onStatus(({ state, confirmed }) => {
    life.told.push({ state, confirmed })
    // A right that was given back after all.
    if (state === 'live' && life.refused !== null) void whenReady()
  })
  if (topic.status.state !== 'joining')
    life.told.push({ state: topic.status.state, confirmed: topic.status.confirmed })
  void whenReady()
  leaves.push(() => {
    life.isLeft = true
    topic.leave()
  })
  return lives.push(life) - 1
}
export const leaveTopic: Window['leaveTopic'] = (index) => leaves[index]!()
