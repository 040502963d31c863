import type { ClaimOptions } from 'tabstream'

/** One call of a handler. */
export interface ClaimedRun {
  n: number
  attempt: number
  isAborted: boolean
  /** Ends the run. */
  end(): void
}

declare global {
  interface Window {
    runs: ClaimedRun[]
    claimIt: typeof claimIt
    endRuns: typeof endRuns
    claimForServer: typeof claimForServer
    /** Gives up the claim that was made last. */
    unclaim: () => void
  }
}

/** Ends all runs that wait. */
export const endRuns = () => {
  for (const run of window.runs) run.end()
}

/**
 * Claims a type as a test asks.
 *
 * @param how the handler resolves at once, rejects at once, or waits for `end()`
 */
export const claimIt = (options: ClaimOptions, how: 'resolve' | 'reject' | 'wait', type = '*') => {
  window.unclaim = window.stream.claim(
    type,
    ({ n = 0 }, _event, { attempt, signal }) =>
      new Promise<void>((resolve, reject) => {
        const run: ClaimedRun = { n, attempt, isAborted: false, end: resolve }
        window.runs.push(run)
        signal.addEventListener('abort', () => {
          run.isAborted = true
        })
        if (how === 'resolve') resolve()
        if (how === 'reject') reject(new Error('as asked'))
      }),
    options,
  )
}

/** Claims each event in both modes, and tells the server of each call: a page that is killed takes its own records along. */
export const claimForServer = () => {
  const tell = (what: 'began' | 'done', claim: string, n: number) =>
    fetch(`/${what}?claim=${claim}&n=${n}`, { method: 'POST', keepalive: true })
  window.stream.claim('task', ({ n = 0 }) => tell('began', 'bell', n), {
    mode: 'at-most-once',
    name: 'bell',
    missed: 'handle',
  })
  window.stream.claim(
    'task',
    async ({ n = 0 }) => {
      await tell('began', 'work', n)
      await tell('done', 'work', n)
    },
    { mode: 'at-least-once', name: 'work', attempts: 1_000 },
  )
}
