import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian's programs that tests start: where they are, and how they get there. */

export const which = (command: string): string | undefined =>
  // A user's PATH may leave out where servers are.
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
    .map((folder) => join(folder, command))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

export const run = (command: string, args: string[], print: (line: string) => void): boolean => {
  print(`$ ${command} ${args.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0
}

export const isRoot = () => process.getuid?.() === 0

export const canInstall = () => isRoot() && which('apt-get') !== undefined

export const installFromApt = (packages: string[], print: (line: string) => void): boolean => {
  // A lock held by somebody else's apt-get is waited for, not reported as a failure.
  const patient = ['-o', 'DPkg::Lock::Timeout=300', '-qq', '-y']
  return (
    run('apt-get', [...patient, 'update'], print) &&
    run('apt-get', [...patient, 'install', '--no-install-recommends', ...packages], print)
  )
}

/** Makes sure that programs are there, which are called as their packages. Says what it does, throws if it can't. */
export const ensurePrograms = (names: string[], print: (line: string) => void = console.log): void => {
  const missing = () => names.filter((name) => !which(name))
  if (missing().length > 0 && canInstall()) installFromApt(missing(), print)
  if (missing().length > 0)
    throw new Error(`Missing: ${missing().join(', ')}. Install: apt-get install ${missing().join(' ')}`)
  for (const name of names) print(`${name}: ${which(name)}`)
}

/** What a node of demo/server stands on, and stands behind. */
export const serverPrograms = ['redis-server', 'nginx', 'caddy', 'haproxy', 'curl']
