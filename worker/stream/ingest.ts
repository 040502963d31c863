import type { ResetReason } from '../../src/shared/events.ts'
import type { Log } from '../log/log.ts'
import type { Received } from '../log/received.ts'
import type { Topics } from '../topics/topics.ts'
import type { Block } from './parser.ts'
import type { SignedEventFilter } from './signed-event-filter.ts'

/** How much the log takes at once, and when it takes more, so that the stream does not outrun the tabs (D4). */
export interface Backpressure {
  /** The blocks of `received` that the log takes at once, from `from` on: at least one. */
  piece(received: Received[], from: number): Received[]
  /** Resolves once there is room for the next piece. @param head the newest seq, once `piece` was appended */
  room(piece: Received[], head: number): Promise<void>
  /** Resolves once the tabs, hidden ones too, have what the log holds, or after 1 s. */
  caughtUp(): Promise<void>
}

export interface IngestOptions {
  log: Pick<Log, 'append' | 'restart' | 'head'>
  filter: SignedEventFilter
  /** `null`: the stream has no topics. */
  topics: Pick<Topics, 'read'> | null
  backpressure: Backpressure
  /** Whether this hub still leads. The answer holds even right after a freeze (L3). */
  leads(): Promise<boolean>
}

export interface Ingested {
  /** One message for each event whose signature was refused (A5). */
  refused: string[]
  /** Why the hub stopped before an event whose signature nobody can judge yet; `null`: it did not stop. */
  unavailable: string | null
}

export interface Ingest {
  /**
   * Takes the blocks of one chunk of the stream, in order. Resolves once there is room for the next chunk.
   *
   * @param isPresent whether the stream that the chunk came from still stands
   */
  take(blocks: Block[], isPresent: () => boolean): Promise<Ingested>
}

const isReset = ({ type }: Block) => type === 'stream.reset'

/** Where the run ends that begins at `from`: events to append, one reset, or events too large with ids after them. */
const endOfRun = (blocks: Block[], from: number): number => {
  if (isReset(blocks[from]!)) return from + 1
  const isNext = blocks[from]!.tooLarge
    ? ({ type }: Block) => type !== null
    : (block: Block) => block.tooLarge || isReset(block)
  const length = blocks.slice(from).findIndex(isNext)
  return length === -1 ? blocks.length : from + length
}

/** Takes blocks from the parser into the log, past all that may hold them up: signatures, leadership, full tabs. */
export const createIngest = ({ log, filter, topics, backpressure, leads }: IngestOptions): Ingest => {
  const append = async (blocks: Block[], isPresent: () => boolean) => {
    // While the hub waited for room, the browser has gathered one chunk, which may be larger than the whole log.
    for (let from = 0; from < blocks.length; ) {
      // L3: a hub that was frozen meanwhile may have been robbed of the lock without knowing.
      // D3: another stream may have begun while this one waited for room. That stream sends the same events again.
      if (!(await leads()) || !isPresent()) return
      const piece = backpressure.piece(blocks, from)
      from += piece.length
      await log.append(topics?.read(piece) ?? piece)
      await backpressure.room(piece, log.head())
    }
  }

  /** The log starts over once tabs have what came before: a hidden tab may have waited for it (H1). */
  const restart = async (reason: ResetReason, lastEventId: string | undefined, isPresent: () => boolean) => {
    await backpressure.caughtUp()
    if ((await leads()) && isPresent()) await log.restart(reason, lastEventId)
  }

  return {
    async take(received, isPresent) {
      const { blocks, refused, unavailable } = await filter(received)
      // The filter may have taken long to fetch the keys.
      if (!isPresent()) return { refused: [], unavailable: null }
      for (let from = 0; from < blocks.length; ) {
        const to = endOfRun(blocks, from)
        const run = blocks.slice(from, to)
        // One reset of several events in a row that were too large (B1).
        if (run[0]!.tooLarge)
          await restart('too-large', run.findLast(({ givenId }) => givenId !== null)?.id, isPresent)
        // `stream.reset` means the same as the header `Stream-Resume: reset` (R4): here a new epoch begins.
        else if (isReset(run[0]!)) await restart('server', run[0]!.id, isPresent)
        else await append(run, isPresent)
        if (!isPresent()) break
        from = to
      }
      return { refused, unavailable }
    },
  }
}
