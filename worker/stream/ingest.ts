import type { Log } from '../log/log.ts'
import type { Received } from '../log/received.ts'
import type { SignedEventFilter } from './signed-event-filter.ts'

/** How much the log takes at once, and when it takes more: tabs must not be outrun (D4). */
export interface Backpressure {
  /** What of `received` the log takes at once, from `from` on: at least one block. */
  piece(received: Received[], from: number): Received[]
  /** Resolves once there is room for the next piece. @param head the newest seq, once `piece` was appended */
  room(piece: Received[], head: number): Promise<void>
}

export interface IngestOptions {
  log: Pick<Log, 'append' | 'restart' | 'head'>
  filter: SignedEventFilter
  backpressure: Backpressure
  /** Whether this hub has the stream, sure even right after it was frozen (L3). */
  leads(): Promise<boolean>
}

export interface Ingested {
  /** Events that the log added. */
  added: number
  /** One message for each event whose signature was refused (A5). */
  refused: string[]
  /** Why the events end before one whose signature nobody can judge yet; `null`: they do not. */
  unavailable: string | null
}

export interface Ingest {
  /**
   * Takes what one chunk of the stream held, in its order. Resolves once there is room for the next chunk.
   *
   * @param isPresent whether the stream that it came from still stands
   */
  take(blocks: Received[], isPresent: () => boolean): Promise<Ingested>
}

/** The way of events from the parser into the log, and all that they have to pass on it. */
export const createIngest = ({ log, filter, backpressure, leads }: IngestOptions): Ingest => {
  /** @returns how many events the log added */
  const append = async (blocks: Received[]): Promise<number> => {
    let added = 0
    // What waited for room comes in one chunk, which may hold more than the log does.
    for (let from = 0; from < blocks.length; ) {
      // L3: a hub that was frozen meanwhile may have been robbed of the lock without knowing.
      if (!(await leads())) break
      const piece = backpressure.piece(blocks, from)
      from += piece.length
      added += await log.append(piece)
      await backpressure.room(piece, log.head())
    }
    return added
  }

  return {
    async take(received, isPresent) {
      const { blocks, refused, unavailable } = await filter(received)
      // To fetch the keys may have taken its time.
      if (!isPresent()) return { added: 0, refused: [], unavailable: null }
      let added = 0
      let rest = blocks
      // The event form of `Stream-Resume: reset` (R4): what came before it belongs to the old epoch.
      for (;;) {
        const at = rest.findIndex(({ type }) => type === 'stream.reset')
        if (at === -1) break
        added += await append(rest.slice(0, at))
        await log.restart('server', rest[at]!.id)
        rest = rest.slice(at + 1)
      }
      added += await append(rest)
      return { added, refused, unavailable }
    },
  }
}
