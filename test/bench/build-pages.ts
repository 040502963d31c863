import { execFileSync } from 'node:child_process'

/** The bench's pages, from the built package. */
export const buildPages = () =>
  execFileSync('npx', ['--no-install', 'vite', 'build', '--mode', 'bench', '--logLevel', 'error'], {
    stdio: 'inherit',
  })
