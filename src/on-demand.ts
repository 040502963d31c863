import { retryAfter } from './attachment/retry.ts'
import type { ErrorData } from './shared/status.ts'
import type { Off } from './stream.ts'

/** Code in a file of its own, which its first use loads: a page pays for what it uses. */
export interface OnDemand<Code> {
  /** @throws as `load`. The next call loads again. */
  code(): Promise<Code>
  /**
   * Runs with the code once it is there. A file that does not load is told, and loaded again with backoff.
   *
   * @returns aborts `signal`, which may happen before the code is there
   */
  begin(run: (code: Code, signal: AbortSignal) => void): Off
}

/**
 * @param load imports the file, and makes of it what is used
 * @param isOver whether the stream has ended, and nothing is tried again
 */
export const createOnDemand = <Code>(
  load: () => Promise<Code>,
  tell: (error: ErrorData) => void,
  isOver: () => boolean,
): OnDemand<Code> => {
  let loading: Promise<Code> | undefined

  const code = () => {
    loading ??= load().catch((error) => {
      loading = undefined
      throw error
    })
    return loading
  }
  return {
    code,
    begin(run) {
      const stop = new AbortController()
      const { signal } = stop
      const attempt = (failures: number): unknown =>
        code().then(
          (loaded) => run(loaded, signal),
          (error) => {
            if (signal.aborted || isOver()) return
            tell(error)
            setTimeout(attempt, retryAfter(failures), failures + 1)
          },
        )
      attempt(0)
      return () => stop.abort()
    },
  }
}
