import type { LoggedRequest } from '../browser/backend.ts'
import { askNode } from './ask-node.ts'

type Line = LoggedRequest & { at: string }

const STREAM = '/api/v1/events/stream'

/**
 * What the server answered to requests for a stream, by its own log of requests. The log keeps the last 1,000: whoever
 * reads it every few seconds misses none.
 */
export interface StreamAnswers {
  read(): Promise<void>
  /** Requests for a stream. */
  asked(): number
  /** Requests that this status was the answer to. */
  answered(status: number): number
}

export const createStreamAnswers = (opsUrl: string): StreamAnswers => {
  /** A line's status is not there before its answer begins, so each reading replaces it. */
  const lines = new Map<string, Line>()
  return {
    async read() {
      const { requests } = await askNode<{ requests: Line[] }>(opsUrl, 'requests')
      for (const line of requests)
        if (line.url.split('?')[0] === STREAM)
          lines.set(`${line.at} ${line.client} ${line.lastEventId}`, line)
    },
    asked: () => lines.size,
    answered: (wanted) => [...lines.values()].filter(({ status }) => status === wanted).length,
  }
}
