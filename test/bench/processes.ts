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

/**
 * ms of CPU of all processes under `root`, its own included.
 * @returns `null` where there is no /proc to read them from
 */
export const cpuOf = (root: number): number | null => {
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
  return all.filter(({ pid }) => family.has(pid)).reduce((sum, { cpu }) => sum + cpu, 0)
}
