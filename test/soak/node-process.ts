import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerOptions } from '../../demo/server/app.ts'
import { endChild, startChild } from '../cluster/children.ts'
import { freePort } from '../free-port.ts'
import { within } from '../within.ts'

/** Bytes. */
export interface NodeMemory {
  /** JavaScript objects that are reachable, and what they hold outside of the heap. */
  inUse: number
  /** All that the process has of the machine's memory. */
  resident: number
}

/** A node that has a process, and so its memory, for itself. */
export interface NodeProcess {
  port: number
  /** Where /debug is. */
  opsUrl: string
  /** After the garbage is collected. */
  memory(): Promise<NodeMemory>
  close(): Promise<void>
}

const program = fileURLToPath(new URL('./node.ts', import.meta.url))
const PATIENCE = 30_000

export const startNodeProcess = async (
  options: Omit<ServerOptions, 'dataDir' | 'port' | 'opsPort'>,
): Promise<NodeProcess> => {
  const [port, opsPort] = [await freePort(), await freePort()]
  const dataDir = mkdtempSync(join(tmpdir(), 'tabstream-soak-'))
  const settings = JSON.stringify({ ...options, dataDir, port, opsPort })
  const child = startChild(process.execPath, ['--expose-gc', '--import', 'tsx', program, settings], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const answer = async () => (await within(PATIENCE, once(child, 'message'), 'the node'))[0]
  await answer()

  return {
    port,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    async memory() {
      child.send('memory')
      return (await answer()) as NodeMemory
    },
    async close() {
      await endChild(child, 'SIGKILL')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
