import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type ServerOptions, startServer } from './app.ts'

/** `tsx demo/server/main.ts`, with the flags and the environment of README.md. */

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
        host: { type: 'string' },
        'ops-port': { type: 'string' },
        'ops-host': { type: 'string' },
        'ops-name': { type: 'string', multiple: true, default: [] },
        'audit-required': { type: 'boolean', default: false },
        tls: { type: 'boolean', default: false },
        drain: { type: 'string', default: '0' },
        origin: { type: 'string' },
        allow: { type: 'string', multiple: true, default: [] },
        'trust-proxy': { type: 'string' },
        critical: { type: 'string', multiple: true, default: [] },
        audience: { type: 'string' },
      },
    }).values
  } catch (error) {
    return fail(`${(error as Error).message}. The flags are in demo/server/README.md`)
  }
}

/** A taken port is no reason to fail: the URL that is printed is the one that counts. */
const startOnFreePort = async (options: ServerOptions, port: number) => {
  for (let candidate = port; ; candidate++) {
    try {
      return await startServer({ ...options, port: candidate })
    } catch (error) {
      const { code, port: taken } = error as NodeJS.ErrnoException & { port?: number }
      if (code === 'EADDRINUSE' && taken !== candidate)
        throw new Error(`--ops-port ${taken} is taken: name another one`)
      const isTaken = code === 'EADDRINUSE'
      if (!isTaken || port === 0 || candidate === port + 20) throw error
    }
  }
}

const flags = readFlags()
const readPort = (name: string, value: string): number => {
  if (!/^\d+$/.test(value) || Number(value) > 65_535)
    fail(`--${name} is a number from 0 (any free port) to 65535`)
  return Number(value)
}
const port = readPort('port', flags.port)
// The demo page asks /debug of its own origin; in development one port is simpler than two.
const ownOpsPort = flags.dev ? null : '9787'
const opsPort = flags['ops-port'] ?? ownOpsPort

if (!/^\d+$/.test(flags.drain)) fail('--drain is a number of seconds')

const page = path('../dist')
const options: ServerOptions = {
  dataDir: flags.data,
  debug: flags.dev,
  logger: flags.log,
  processMetrics: true,
  tls: flags.tls,
  drainDelay: Number(flags.drain) * 1_000,
  redisUrl: process.env.REDIS_URL ?? null,
  redisReplicas: Number(process.env.REDIS_REPLICAS ?? 0),
  tokenSecret: process.env.TOKEN_SECRET ?? null,
  formerTokenSecret: process.env.TOKEN_SECRET_FORMER ?? null,
  opsPort: opsPort === null ? null : readPort('ops-port', opsPort),
  opsNames: flags['ops-name'],
  auditRequired: flags['audit-required'],
  pipeline: flags.pipeline ? 'automatic' : 'on-demand',
  publicOrigin: flags.origin ?? null,
  allowedOrigins: flags.allow,
  trustProxy: flags['trust-proxy'] ?? false,
  critical: flags.critical,
  auditKey: process.env.AUDIT_KEY ?? null,
  trustedTypes: ['tabstream-demo'],
  // The demo shows within seconds what takes a minute with the usual heartbeat, and 10,000 events at once beside others.
  ...(flags.dev ? { pingInterval: 1_000, retention: 50_000 } : {}),
  ...(flags.audience === undefined ? {} : { audience: flags.audience }),
  ...(flags.host === undefined ? {} : { host: flags.host }),
  ...(flags['ops-host'] === undefined ? {} : { opsHost: flags['ops-host'] }),
  ...(existsSync(page) ? { staticDir: page } : {}),
}
const server = await startOnFreePort(options, port).catch((error: Error) => fail(error.message))
if (!options.staticDir) console.error('The demo page is not built: npx vite build --mode demo')
console.log(server.url)
if (server.opsUrl !== server.url) console.log(`Operations: ${server.opsUrl}`)

// Rotates the key of signed events: kill -HUP.
process.on('SIGHUP', () => {
  server.rotateKeys().then(
    ({ kid }) => console.log(`Critical events are signed by ${kid} from now on.`),
    (error: Error) => console.error(error.message),
  )
})

const stop = () => {
  // Once only: with no listener left, a second signal ends a server that hangs.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
  server.close().catch((error: Error) => fail(error.message))
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
