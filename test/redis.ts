import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { freePort } from './free-port.ts'

/** Debian's, of which `npm test` says so where it is missing (test/browsers.ts). */
const program = 'redis-server'

/** A Redis of its own, on a free port, whose data outlive it until `close`. */
export const startRedis = async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tabstream-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let server: ChildProcess | undefined

  const isUp = async (): Promise<boolean> => {
    const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {})
    try {
      await client.connect()
      // Rejects with LOADING while the data are read.
      await client.ping()
      return true
    } catch {
      return false
    } finally {
      if (client.isOpen) client.destroy()
    }
  }

  const start = async () => {
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '']
    // By default Redis puts its writes off for up to 2 s while the disk is busy, and a kill would lose what it has confirmed.
    const log = ['--appendonly', 'yes', '--appendfsync', 'always']
    const child = spawn(program, [...args, ...log, '--loglevel', 'warning'], { stdio: 'ignore' })
    server = child
    const failed = new Promise<never>((_, reject) =>
      child.once('error', () => reject(new Error(`${program} is missing: apt-get install ${program}`))),
    )
    const up = (async () => {
      while (!(await isUp())) {
        if (child.exitCode !== null) throw new Error(`${program} has ended with ${child.exitCode}`)
        await new Promise((done) => setTimeout(done, 20))
      }
    })()
    await Promise.race([up, failed])
  }

  /** As a crash does: what was written to the log is there when it starts again. */
  const kill = async () => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }

  await start()
  return {
    url,
    port,
    start,
    kill,
    /** As many keys as one command may have. */
    groups: (keys: string[]) => [keys],
    /** Kills it, and starts it again. */
    async failOver(): Promise<void> {
      await kill()
      await new Promise((done) => setTimeout(done, 300))
      await start()
    },
    process: () => server!,
    /** One command, by words. */
    async ask(...words: string[]): Promise<unknown> {
      const client = createClient({ url }).on('error', () => {})
      await client.connect()
      try {
        return await client.sendCommand(words)
      } finally {
        await client.close()
      }
    },
    async close(): Promise<void> {
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export type Redis = Awaited<ReturnType<typeof startRedis>>
