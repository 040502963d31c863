import type { Source } from '../core.ts'
import { localError } from '../shared/local-error.ts'
import type { LogCore } from './log-core.ts'
import { settle } from './settle.ts'

/** Beyond the hub's own limit: the answer is on its way then. */
const ANSWER_LIMIT = 10_000

/** See `Stream.seen`. @param onEnded gives what the promise rejects with whose stream has ended */
export const seen = (
  core: LogCore,
  source: Source,
  id: string,
  { signal, timeout = 10_000 }: { signal?: AbortSignal; timeout?: number },
  onEnded: () => Error,
): Promise<void> => {
  const over = new AbortController()
  const heard = async () => {
    const place = await core.call('seen()', (hub) => hub.place(id, timeout), timeout + ANSWER_LIMIT)
    const message = `No event with the id "${id}" came within ${timeout / 1_000} s. Check that the server sends it with this id, and that the stream is open.`
    if (place === null) throw core.toError(localError('worker', message, core.stream().status.state, true))
    // The hub has sent it. The listeners may be busy with what came before it.
    await settle(core)
  }
  return new Promise<void>((resolve, reject) => {
    const abort = () => reject(signal?.reason)
    const end = () => reject(onEnded())
    if (signal?.aborted) return abort()
    if (core.isOver()) return end()
    signal?.addEventListener('abort', abort, { signal: over.signal })
    core.ended.addEventListener('abort', end, { signal: over.signal })
    over.signal.addEventListener(
      'abort',
      source.onReset(() => resolve()),
    )
    heard().then(resolve, reject)
  }).finally(() => over.abort())
}
