/** As `Profiler.stop` of the DevTools protocol has it. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  /** Microseconds. */
  timeDeltas: number[]
}

/** ms that were spent in each function itself, the dearest first. */
export const selfTimes = ({ nodes, samples, timeDeltas }: CpuProfile): [name: string, ms: number][] => {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.split('/').at(-1)}${url === '' ? '' : `:${lineNumber + 1}`}`,
    ]),
  )
  const times = new Map<string, number>()
  samples.forEach((id, index) => {
    const name = names.get(id)!
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index]! / 1_000)
  })
  return [...times].sort(([, one], [, other]) => other - one)
}
