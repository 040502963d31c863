import type { State, Stream } from 'tabstream'
import { Snapshot } from 'tabstream'

/** What a tab of the test keeps beside its stream. */
export interface StateProbe {
  state: State<number[]>
  /** ms between the hub's first word and the first value. */
  took: number | null
  /** What `share` has given for each event that called for it: how many numbers the server had. */
  shared: number[]
  errors: string[]
}

declare global {
  interface Window {
    probe: StateProbe
    /** Begins with the state of `/state`. A `stale` event calls for `/list`, which is fetched once for all tabs. */
    probeState(): void
  }
}

export const probeState = () => {
  const stream = window.stream as unknown as Stream<{ tick: { n: number }; stale: { n: number } }>
  let attachedAt: number | null = null
  stream.onStatus(() => {
    attachedAt ??= performance.now()
  })
  const state = stream.state<number[]>({
    key: 'numbers',
    async load({ signal }) {
      const answer = await fetch('/state', { signal })
      return new Snapshot<number[]>(await answer.json(), answer.headers.get('last-event-id'))
    },
    on: { tick: (value, { n }) => [...value, n] },
  })
  const probe: StateProbe = { state, took: null, shared: [], errors: [] }
  state.onChange(({ status }) => {
    if (status === 'live') probe.took ??= performance.now() - (attachedAt ?? performance.now())
  })
  stream.on('stale', async (_, event) => {
    try {
      const load = async () => Number(await (await fetch('/list')).text())
      probe.shared.push(await stream.share('list', load, { event }))
    } catch (error) {
      probe.errors.push(String(error))
    }
  })
  window.probe = probe
}
