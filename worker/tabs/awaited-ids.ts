import type { Place } from '../../src/shared/protocol.ts'
import { LONGEST_TIMER, type Platform } from '../base/platform.ts'
import type { Log } from '../log/log.ts'

export interface AwaitedIdsOptions {
  platform: Pick<Platform, 'after'>
  log: Pick<Log, 'facts' | 'place'>
}

/** The ids of events that tabs wait for, so that they can show what follows from a request of theirs. */
export interface AwaitedIds {
  /** @returns the place of the event with this id, once the log has it; `null`: it did not come within so many ms */
  find(id: string, within: number): Promise<Place | null>
  /** The log has changed. */
  look(): void
  close(): void
}

export const createAwaitedIds = ({ platform, log }: AwaitedIdsOptions): AwaitedIds => {
  const waiting = new Set<() => void>()

  return {
    find: (id, within) =>
      new Promise((resolve) => {
        const end = (place: Place | null) => {
          cancel()
          waiting.delete(look)
          resolve(place)
        }
        const look = () => {
          const seq = log.facts().seqOf(id)
          if (seq !== null) end(log.place(seq))
        }
        const cancel = platform.after(Math.min(within, LONGEST_TIMER), () => end(null))
        waiting.add(look)
        look()
      }),
    look() {
      for (const look of waiting) look()
    },
    close: () => waiting.clear(),
  }
}
