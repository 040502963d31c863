import type { Log } from '../log/log.ts'
import type { Received } from '../log/received.ts'
import type { Block } from './parser.ts'
import type { SignedEventFilter } from './signed-event-filter.ts'

/** How much the log takes at once, and when it takes more: tabs must not be outrun (D4). */
export interface Backpressure {
  /** What of `received` the log takes at once, from `from` on: at least one block. */
  piece(received: Received[], from: number): Received[]
  /** Resolves once there is room for the next piece. @param head the newest seq, once `piece` was appended */
  room(piece: Received[], head: number): Promise<void>
  /** Resolves once the tabs have what the log holds, or after 1 s. */
  caughtUp(): Promise<void>
}

export interface IngestOptions {
  log: Pick<Log, 'append' | 'restart' | 'head'>
  filter: SignedEventFilter
  backpressure: Backpressure
  /** Whether this hub has the stream, sure even right after it was frozen (L3). */
  leads(): Promise<boolean>
}

export interface Ingested {
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
  take(blocks: Block[], isPresent: () => boolean): Promise<Ingested>
}

const isReset = ({ type }: Block) => type === 'stream.reset'

/** Where what began at `from` ends: events to append, one reset, or events that were too large and ids behind them. */
const endOfRun = (blocks: Block[], from: number): number => {
  if (isReset(blocks[from]!)) return from + 1
  const isNext = blocks[from]!.tooLarge
    ? ({ type }: Block) => type !== null
    : (block: Block) => block.tooLarge || isReset(block)
  const length = blocks.slice(from).findIndex(isNext)
  return length === -1 ? blocks.length : from + length
}

/** The way of events from the parser into the log, and all that they have to pass on it. */
export const createIngest = ({ log, filter, backpressure, leads }: IngestOptions): Ingest => {
  const append = async (blocks: Block[], isPresent: () => boolean) => {
    // What waited for room comes in one chunk, which may hold more than the log does.
    for (let from = 0; from < blocks.length; ) {
      // L3: a hub that was frozen meanwhile may have been robbed of the lock without knowing.
      // D3: what waits for room while another stream begins, that stream sends again.
      if (!(await leads()) || !isPresent()) return
      const piece = backpressure.piece(blocks, from)
      from += piece.length
      await log.append(piece)
      await backpressure.room(piece, log.head())
    }
  }

  /** Of events in a row that were too large: one reset for all of them, once tabs have what came before (B1). */
  const restartAfter = async (skipped: Block[], isPresent: () => boolean) => {
    await backpressure.caughtUp()
    if (!(await leads()) || !isPresent()) return
    await log.restart('too-large', skipped.findLast(({ position }) => position !== null)?.id)
  }

  return {
    async take(received, isPresent) {
      const { blocks, refused, unavailable } = await filter(received)
      // To fetch the keys may have taken its time.
      if (!isPresent()) return { refused: [], unavailable: null }
      for (let from = 0; from < blocks.length; ) {
        const to = endOfRun(blocks, from)
        const run = blocks.slice(from, to)
        if (run[0]!.tooLarge) await restartAfter(run, isPresent)
        // The event form of `Stream-Resume: reset` (R4): what came before it belongs to the old epoch.
        else if (isReset(run[0]!)) await log.restart('server', run[0]!.id)
        else await append(run, isPresent)
        if (!isPresent()) break
        from = to
      }
      return { refused, unavailable }
    },
  }
}
