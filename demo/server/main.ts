import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type ServerOptions, startServer } from './app.ts'

/** `tsx demo/server/main.ts [--port 8787] [--data directory] [--dev] [--pipeline] [--log]` */

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const fail = (message: string): never => {
  console.error(message)
  process.exit(1)
}

const readFlags = () => {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '8787' },
        data: { type: 'string', default: path('../../.data/server') },
        dev: { type: 'boolean', default: false },
        pipeline: { type: 'boolean', default: false },
        log: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return fail(`${(error as Error).message}. Flags: --port, --data, --dev, --pipeline, --log`)
  }
}

/** A taken port is no reason to fail: the URL that is printed is the one that counts. */
const startOnFreePort = async (options: ServerOptions, port: number) => {
  for (let candidate = port; ; candidate++) {
    try {
      return await startServer({ ...options, port: candidate })
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!isTaken || port === 0 || candidate === port + 20) throw error
    }
  }
}

const flags = readFlags()
const port = Number(flags.port)
if (!/^\d+$/.test(flags.port) || port > 65_535) fail('--port is a number from 0 (any free port) to 65535')

const page = path('../dist')
const options: ServerOptions = {
  dataDir: flags.data,
  debug: flags.dev,
  logger: flags.log,
  pipeline: flags.pipeline ? 'automatic' : 'on-demand',
  ...(existsSync(page) ? { staticDir: page } : {}),
}
const server = await startOnFreePort(options, port).catch((error: Error) => fail(error.message))
if (!options.staticDir) console.error('The demo page is not built: npx vite build --mode demo')
console.log(server.url)

const stop = () => {
  // Once only: with no listener left, a second signal ends a server that hangs.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
  server.close().catch((error: Error) => fail(error.message))
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
