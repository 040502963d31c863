import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../free-port.ts'

const run = promisify(execFile)
const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url))

/**
 * An application of its own in a folder of its own: dependencies by its lock file, and the tarball unpacked as
 * `npm install` would, without a lock that its hash would change at every build.
 */
export const installFixture = async (name: string, folder: string, tarball: string, shared: boolean) => {
  await mkdir(folder, { recursive: true })
  if (shared) await cp(join(fixtures, 'shared'), folder, { recursive: true })
  await cp(join(fixtures, name), folder, { recursive: true })
  if (name !== 'static') await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
  const target = join(folder, 'node_modules/tabstream')
  await mkdir(target, { recursive: true })
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', target])
  return folder
}

/** @throws Error with what the command said */
export const runIn = async (folder: string, command: string, args: string[]) => {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' as const }
  try {
    await run(command, args, { cwd: folder, env, maxBuffer: 1e8 })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`.slice(-2_000))
  }
}

/** Starts a server of the fixture's own; it is up once it answers. */
export const startIn = async (folder: string, command: string, args: (port: number) => string[]) => {
  const port = await freePort()
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
  // A group of its own: these servers have children.
  const child: ChildProcess = spawn(command, args(port), {
    cwd: folder,
    env,
    detached: true,
    stdio: 'ignore',
  })
  const gone = new Promise((done) => child.once('exit', done))
  let exited = false
  void gone.then(() => {
    exited = true
  })
  const deadline = Date.now() + 60_000
  for (;;) {
    if (
      await fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      )
    )
      break
    if (exited || Date.now() > deadline) throw new Error(`${command} does not answer at port ${port}.`)
    await new Promise((done) => setTimeout(done, 200))
  }
  return {
    port,
    async close() {
      if (!exited) process.kill(-child.pid!, 'SIGTERM')
      await gone
    },
  }
}
