import type { CatalogueEvent } from '../../catalogue.ts'
import { refusal } from '../http/problem.ts'

export interface PipelineOptions {
  /** A new novel: called at the start and again after the last one is finished. */
  begin: () => Iterator<CatalogueEvent>
  publish: (user: string, events: readonly CatalogueEvent[]) => Promise<unknown>
  /** Nobody to watch, nothing to write: the pipeline waits where it is. */
  hasReader: (user: string) => Promise<boolean>
  /** Milliseconds between two events. */
  interval: number
  onError: (error: unknown) => void
}

export type PipelineState = 'stopped' | 'running' | 'finished'

export interface Pipeline {
  state(user: string): PipelineState
  /** Begins, or goes on where it stopped; after the end it begins a new novel. */
  start(user: string): Promise<PipelineState>
  stop(user: string): Promise<PipelineState>
  /** Stops all. */
  close(): void
}

/** Novels at a time, running or stopped, one a user. */
const most = 10_000

interface Run {
  state: PipelineState
  events: Iterator<CatalogueEvent>
  timer: NodeJS.Timeout | undefined
}

/** Writes a novel for each user who asks, at a pace that one can watch. It stops, and goes on from there. */
export const createPipeline = ({
  begin,
  publish,
  hasReader,
  interval,
  onError,
}: PipelineOptions): Pipeline => {
  const runs = new Map<string, Run>()

  const stop = (run: Run, state: PipelineState) => {
    clearInterval(run.timer)
    run.timer = undefined
    run.state = state
  }

  const step = async (user: string, run: Run) => {
    if (!(await hasReader(user)) || run.state !== 'running') return
    const { done, value } = run.events.next()
    if (done) stop(run, 'finished')
    else await publish(user, [value])
  }

  /** What has stopped is forgotten, the one that began first before the others. What runs is not: then there is no room. */
  const makeRoom = () => {
    if (runs.size < most) return
    const idle = [...runs].find(([, { state }]) => state !== 'running')
    if (!idle) throw refusal(503, 'unavailable', 'Too many novels are being written. Try again.')
    runs.delete(idle[0])
  }

  const tell = (user: string, status: 'running' | 'paused') =>
    publish(user, [{ type: 'workflow.status_changed', data: { id: `workflow-of-${user}`, status } }])

  return {
    state: (user) => runs.get(user)?.state ?? 'stopped',

    async start(user) {
      const known = runs.get(user)
      if (known?.state === 'running') return 'running'
      if (!known) makeRoom()
      const run: Run = { state: 'running', events: known?.events ?? begin(), timer: undefined }
      if (known?.state === 'finished') run.events = begin()
      runs.set(user, run)
      run.timer = setInterval(() => step(user, run).catch(onError), interval)
      await tell(user, 'running')
      return 'running'
    },

    async stop(user) {
      const run = runs.get(user)
      if (run?.state !== 'running') return run?.state ?? 'stopped'
      stop(run, 'stopped')
      await tell(user, 'paused')
      return 'stopped'
    },

    close() {
      for (const run of runs.values()) stop(run, 'stopped')
    },
  }
}
