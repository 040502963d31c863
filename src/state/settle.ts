import type { Core } from '../core.ts'

/** Resolves once the listeners have heard all batches that have arrived by now. */
export const settle = async (core: Core): Promise<void> => {
  for (;;) {
    const before = core.dispatching()
    await before
    await core.taken()
    // The next batch begins by then, if one waits: what it waits for at most is an answer that comes before this one.
    await core.call('ping()', (hub) => hub.ping())
    if (core.dispatching() === before) return
  }
}
