import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Counts } from './counts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What a step of `npm test` came to. */
export interface Outcome {
  title: string
  /** Whether the step has counted its tests. */
  counted: boolean
  counts: Counts
  seconds: number
}

/** Runs a program in the repository's folder. @returns whether it has ended well */
export type Run = (command: string, ...args: string[]) => Promise<boolean>

export interface Step {
  title: string
  work(run: Run): Promise<boolean> | boolean
  /** Reads what the step has counted. */
  read?: () => Counts
}

/**
 * Runs steps one after the other.
 *
 * @param output `live`: as it comes; `whole`: a step's at once when the step ends, so that two lanes that run side by
 *   side do not write into each other's lines
 * @param report told of each step that has ended
 * @returns runs one step, and gives whether it has passed
 */
export const openLane = (output: 'live' | 'whole', report: (outcome: Outcome) => void) => {
  const runStep = async ({ title, work, read }: Step): Promise<boolean> => {
    const held: string[] = []
    const print = (text: string) => void (output === 'live' ? process.stdout.write(text) : held.push(text))
    const run: Run = (command, ...args) =>
      new Promise((done) => {
        const sink = output === 'live' ? 'inherit' : 'pipe'
        const child = spawn(command, args, { cwd: root, stdio: ['ignore', sink, sink] })
        for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', print)
        child.on('error', (error) => {
          print(`${command} does not start: ${error.message}\n`)
          done(false)
        })
        child.on('close', (code) => done(code === 0))
      })

    if (output === 'whole') console.log(`\n--- ${title} begins; its output comes when it ends\n`)
    print(`\n=== ${title}\n\n`)
    const started = Date.now()
    let ok = false
    let counts: Counts = { passed: 0, failed: 0, skipped: 0 }
    try {
      ok = await work(run)
      if (read !== undefined) counts = read()
    } catch (error) {
      ok = false
      print(`${error instanceof Error ? error.message : error}\n`)
    }
    // A step that ends badly counts at least one failure, whatever its report says.
    if (!ok) counts.failed = Math.max(1, counts.failed)
    process.stdout.write(held.join(''))
    report({ title, counted: read !== undefined, counts, seconds: (Date.now() - started) / 1_000 })
    return counts.failed === 0
  }
  return runStep
}
