import { readFileSync } from 'node:fs'
import { familyOf } from '../bench/processes.ts'

/** Bytes of one process, of shared pages its part; 0: it is gone by now. */
const proportionalSize = (pid: number): number => {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1_024
  } catch {
    return 0
  }
}

const isFirefox = (pid: number): boolean => {
  try {
    return /firefox/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!)
  } catch {
    return false
  }
}

/**
 * Bytes that all processes of the Firefox of this run have. Firefox tells nobody the heap of one worker.
 * @returns `NaN` where there is no /proc to read them from
 */
export const firefoxMemory = (): number => {
  const family = familyOf(process.pid)
  if (family === null) return Number.NaN
  return family.filter(({ pid }) => isFirefox(pid)).reduce((sum, { pid }) => sum + proportionalSize(pid), 0)
}
