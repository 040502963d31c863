import { newRun, untilIdle, type World } from '../tabs.ts'

export interface FirstEvent {
  /** ms from `connect()` to the first event. */
  ms: number
  /** ms from `connect()` until the server has the request. */
  request: number
  /** `ms` of the next visit, whose worker has to start again. */
  again: number
}

/** A visit of a browser that has nothing cached, and the next one. The server sends an event at once. */
export const firstEvent = async ({ browser, server }: World, variant: string): Promise<FirstEvent> => {
  const run = newRun()
  await untilIdle(browser)
  const visit = async () => {
    const tab = await browser.openTab(server.url(false))
    try {
      const opening = `bench.firstEvent(${JSON.stringify(variant)}, "${run}")`
      const { at, ms } = await tab.evaluate<{ at: number; ms: number }>(opening)
      return { ms, request: (await server.asked(run)) - at }
    } finally {
      await tab.close()
    }
  }
  const first = await visit()
  // Chromium keeps a worker for minutes after its last page: that visit would be nearer than a returning one.
  await untilIdle(browser)
  await browser.endWorkers()
  await untilIdle(browser)
  const { ms: again } = await visit()
  return { ...first, again }
}
