import { type LogStore, openLogStore } from '../../../worker/log/store.ts'

/** The real store, whose calls a test breaks. */
export const breakable = () => {
  const state = {
    open: null as null | (() => Promise<never>),
    commit: null as null | (() => Promise<never>),
    all: null as null | (() => Promise<never>),
    /** Resolves when the position may be read. */
    position: null as null | (() => Promise<unknown>),
    range: null as null | (() => Promise<never>),
    opened: 0,
    closed: 0,
  }
  const open = async (onLost: () => void): Promise<LogStore> => {
    if (state.open !== null) return state.open()
    const store = await openLogStore('log', onLost)
    state.opened++
    return {
      ...store,
      commit: (given) => state.commit?.() ?? store.commit(given),
      async position() {
        await state.position?.()
        return store.position()
      },
      all: () => state.all?.() ?? store.all(),
      range: (from, to) => state.range?.() ?? store.range(from, to),
      close() {
        state.closed++
        store.close()
      },
    }
  }
  return { state, open }
}
