import type { Core, Source } from '../core.ts'
import type { StreamEvent } from '../delivery/listeners.ts'
import type { LogCode } from '../log-methods.ts'
import { plainFrom } from '../options.ts'
import type { HistoryOptions } from '../received.ts'
import type { From, Types } from '../shared/events.ts'
import { localError } from '../shared/local-error.ts'
import type { ReadRequest } from '../shared/protocol.ts'
import { join } from './join.ts'
import { createLogCore } from './log-core.ts'
import { readLog, receive } from './read.ts'
import { runState } from './run-state.ts'
import { seen } from './seen.ts'
import { settle } from './settle.ts'
import { createSharedLoads } from './shared-load.ts'

/** As many as one answer of the hub holds. */
const MOST = 1_000
const LONGEST_KEY = 200

type Received = StreamEvent & { payload: unknown }

/** @throws TypeError */
const checkKey = (key: unknown): void => {
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY) return
  throw new TypeError(
    `tabstream: a key is a text of 1 to ${LONGEST_KEY} characters, not ${String(key).slice(0, 50)}.`,
  )
}

/** @throws TypeError */
const requestFrom = (from: From = 'start'): ReadRequest['from'] => {
  const plain = plainFrom(from)
  return typeof plain === 'object' ? plain : { last: MOST }
}

/** What `latest`, `history`, `seen`, `share`, `state` and `from` do for one stream. */
export const createLog = (main: Core): LogCode => {
  const core = createLogCore(main)
  const ended = () =>
    core.toError(
      localError('worker', `The stream is ${core.stream().status.state}.`, core.stream().status.state),
    )
  const loads = createSharedLoads(core, ended)
  const keyOf = (kind: string, { name }: Source, key: string) => `${kind}\n${name ?? ''}\n${key}`

  const read = async (source: Source, types: Types, from: ReadRequest['from'], signal?: AbortSignal) => {
    const given: Received[] = []
    if (core.isOver()) return given
    const { events } = await readLog(core, source, types, from)
    // What the hub has sent before its answer is to be heard before it, too.
    await settle(core)
    signal?.throwIfAborted()
    // Nothing is read after a sign-out, whatever was on its way (A4).
    if (core.isOver()) return given
    for (const event of events) receive(core, event, (payload, head) => given.push({ ...head, payload }))
    return given
  }

  return {
    latest: async (source, type) => (await read(source, [type], { last: 1 }))[0] ?? null,
    async history(source, options) {
      const {
        type,
        after,
        last = after === undefined ? 50 : MOST,
        signal,
      }: HistoryOptions<string> = options ?? {}
      if (!Number.isInteger(last) || last < 1 || last > MOST)
        throw new TypeError(`tabstream: last is a whole number from 1 to ${MOST}, not ${last}.`)
      signal?.throwIfAborted()
      const types = type === undefined || type === '*' ? '*' : [type]
      return (await read(source, types, after === undefined ? { last } : { after }, signal)).slice(-last)
    },
    seen: (source, id, options = {}) => seen(core, source, id, options, ended),
    async share(source, key, load, { event, signal } = {}) {
      checkKey(key)
      const need = {
        at: core.intake.cursor(),
        kept: event === undefined ? 'none' : 'event',
        topic: null,
      } as const
      return (await loads.ask(keyOf('share', source, key), need, load, signal)).value
    },
    listen(source, type, listener, { from, urgent = false }, signal) {
      if (signal.aborted) return
      const end = join(core, source, { types: [type], from: requestFrom(from), urgent }, { take: listener })
      signal.addEventListener('abort', end)
    },
    state(source, options, state, emit, onReload, signal) {
      checkKey(options.key)
      runState(
        core,
        loads,
        source,
        keyOf('state', source, options.key),
        options,
        { state, emit, onReload },
        signal,
      )
    },
  }
}
