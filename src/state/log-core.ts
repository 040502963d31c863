import type { Core, Source } from '../core.ts'

/** What the files of this folder are handed of a stream. */
export interface LogCore extends Core {
  /** Aborts once the stream is closed, also by a sign-out. */
  ended: AbortSignal
}

export const createLogCore = (core: Core): LogCore => {
  const over = new AbortController()
  const look = () => {
    if (core.stream().status.state === 'closed') over.abort()
  }
  core.stream().onStatus(look)
  look()
  return { ...core, ended: over.signal }
}

/** Whether nothing is heard any more at this source: the stream has ended, or the topic's handle is left. */
export const isOver = (core: LogCore, source: Source): boolean =>
  core.isOver() || source.status.state === 'left'
