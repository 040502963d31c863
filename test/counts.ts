import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

export interface Counts {
  passed: number
  failed: number
  skipped: number
  /** Each failed test's name, and what it said first. */
  failures?: string[]
}

const results = new URL('./results/', import.meta.url)

/** Leaves what a step of `npm test` has counted by itself where test/run.ts reads it. */
export const writeCounts = (step: string, counts: Counts): void => {
  mkdirSync(results, { recursive: true })
  writeFileSync(new URL(`${step}.json`, results), JSON.stringify(counts))
}

/** @returns what reads them once the step is over */
export const readCounts = (step: string) => (): Counts =>
  JSON.parse(readFileSync(new URL(`${step}.json`, results), 'utf8'))
