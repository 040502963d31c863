import type { HubView } from './hub-watch.ts'
import type { Picture } from './picture.ts'
import { TRAVEL } from './pulses.ts'
import type { TabReport } from './tabs.ts'

/**
 * Turns what tabs report and the worker knows into dots on the picture. A dot leaves the server when the first tab has
 * the event, for no page can know sooner, and goes on to each tab that has said that it has received it, and back from
 * each that the worker says has acknowledged it.
 */
export const createFlow = (picture: Picture) => {
  const received = new Map<number, number>()
  const acknowledged = new Map<number, number>()
  let newest = 0
  let departed = 0

  return {
    tabs(tabs: readonly TabReport[]): void {
      const last = Math.max(0, ...tabs.map(({ account }) => account.last))
      if (last > newest) {
        if (newest > 0) picture.arrived(last - newest)
        newest = last
        departed = performance.now()
      }
      for (const { number, account, mode } of tabs) {
        const more = account.received - (received.get(number) ?? account.received)
        received.set(number, account.received)
        // Behind the dot that brings it to the worker, while that is still under way.
        const delay = mode === 'native' ? 0 : Math.max(0, departed + TRAVEL - performance.now())
        if (more > 0) picture.received(number, more, delay)
      }
    },

    hub(view: HubView | null): void {
      for (const [number, { lastAckAt }] of view?.sessions ?? []) {
        if (lastAckAt === null || acknowledged.get(number) === lastAckAt) continue
        if (acknowledged.has(number)) picture.acknowledged(number, TRAVEL)
        acknowledged.set(number, lastAckAt)
      }
    },
  }
}
