import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second that Linux counts CPU time in, on every system that Node runs on. */
const TICKS = 100

/** pid, parent, ms of CPU; `null`: it is gone by now. */
const look = (pid: string) => {
  try {
    // The name, in brackets, may hold anything: fields are counted from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    const cpu = (Number(fields[11]) + Number(fields[12])) * (1_000 / TICKS)
    return { pid: Number(pid), parent: Number(fields[1]), cpu }
  } catch {
    return null
  }
}

/** All processes under `root`, itself included; `null` where there is no /proc to read them from. */
export const familyOf = (root: number) => {
  let names: string[]
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return null
  }
  const all = names.map(look).filter((each) => each !== null)
  const family = new Set([root])
  for (let size = 0; size !== family.size; ) {
    size = family.size
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid)
  }
  return all.filter(({ pid }) => family.has(pid))
}

/**
 * ms of CPU of all processes under `root`, its own included.
 * @returns `null` where the system does not tell
 */
export const cpuOf = (root: number): number | null =>
  familyOf(root)?.reduce((sum, { cpu }) => sum + cpu, 0) ?? null

/** The same by kind of Chromium's processes; of renderers each is its hasOwnId: pages, and the one with the worker. */
export const cpuByKind = (root: number): Map<string, number> => {
  const kinds = new Map<string, number>()
  for (const { pid, cpu } of familyOf(root) ?? []) {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    const of = (name: string) => new RegExp(`--${name}=(\\S+)`).exec(line)?.[1]
    const type = of('type') ?? 'browser'
    const kind = of('utility-sub-type') ?? (type === 'renderer' ? `renderer ${pid}` : type)
    kinds.set(kind, (kinds.get(kind) ?? 0) + cpu)
  }
  return kinds
}
