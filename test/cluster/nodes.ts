import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ServerOptions } from '../../demo/server/app.ts'
import { freePort } from '../free-port.ts'
import { endChild, isOver, startChild } from './children.ts'

const program = fileURLToPath(new URL('./node.ts', import.meta.url))

/** One node, always on the same port: the proxies know it by that. */
export const startNode = async (options: Omit<ServerOptions, 'dataDir' | 'port' | 'opsPort'>) => {
  const port = await freePort()
  const opsPort = await freePort()
  const dataDir = mkdtempSync(join(tmpdir(), 'tabstream-node-'))
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined

  const start = async () => {
    const args = ['--import', 'tsx', program, JSON.stringify({ ...options, dataDir, port, opsPort })]
    const started = startChild(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    child = started
    for await (const line of createInterface(started.stdout!)) if (line === url) return
    if (isOver(started) || child === started) throw new Error(`The node at ${url} did not start`)
  }

  await start()
  return {
    url,
    port,
    opsPort,
    /** Where /metrics, /healthz, /readyz and /debug are. */
    opsUrl: `http://127.0.0.1:${opsPort}`,
    start,
    isUp: () => child !== undefined && !isOver(child),
    signal: (signal: NodeJS.Signals) => child!.kill(signal),
    /** SIGKILL: nothing is said, to nobody. */
    kill: () => endChild(child!, 'SIGKILL'),
    /** SIGTERM: as a deploy does. */
    stop: () => endChild(child!, 'SIGTERM'),
    async close(): Promise<void> {
      await endChild(child!, 'SIGKILL')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export type Node = Awaited<ReturnType<typeof startNode>>
