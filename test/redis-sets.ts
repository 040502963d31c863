import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, createCluster } from 'redis'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

/** Several servers of Debian's that fail over: a Redis Cluster, and a master and its replicas that Sentinels watch. */

/** ms without an answer after which a server is taken for dead. */
const SUSPECTED_AFTER = 1_500

interface Server {
  port: number
  start(): Promise<void>
  kill(): Promise<void>
  /** One command to this server, by words. */
  ask(...words: string[]): Promise<unknown>
}

const programOf = (dir: string, port: number, args: string[]): Server => {
  let child: ChildProcess | undefined
  const ask = async (...words: string[]) => {
    const url = `redis://127.0.0.1:${port}`
    const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {})
    try {
      await client.connect()
      return await client.sendCommand(words)
    } finally {
      if (client.isOpen) client.destroy()
    }
  }
  const isUp = () =>
    ask('PING').then(
      () => true,
      () => false,
    )
  return {
    port,
    ask,
    async start() {
      child = spawn('redis-server', args, { cwd: dir, stdio: 'ignore' })
      await until(`redis-server answers at ${port}`, isUp)
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

const dataArgs = (port: number) => [
  ...['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--loglevel', 'warning'],
  // By default Redis puts its writes off for up to 2 s while the disk is busy, and a kill would lose what it has confirmed.
  ...['--appendonly', 'yes', '--appendfsync', 'always', '--appenddirname', `aof-${port}`],
  // A replica begins at once with what its master has, rather than 5 s later.
  ...['--repl-diskless-sync-delay', '0'],
]

/** Ends all of it, and removes its files. */
const closing = (dir: string, servers: Server[]) => async () => {
  await Promise.all(servers.map((server) => server.kill()))
  rmSync(dir, { recursive: true, force: true })
}

/** Ports of which none is another: one that is free may be found free again. */
const freePorts = async (count: number): Promise<number[]> => {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

/** Three masters, each with a replica. */
export const startRedisCluster = async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tabstream-redis-cluster-'))
  const servers: Server[] = []
  const close = closing(dir, servers)
  try {
    const ports = await freePorts(12)
    for (const [index, port] of ports.slice(0, 6).entries()) {
      const enabled = ['--cluster-enabled', 'yes', '--cluster-port', `${ports[6 + index]}`]
      const own = [...enabled, '--cluster-config-file', `nodes-${port}.conf`]
      const times = ['--cluster-node-timeout', `${SUSPECTED_AFTER}`, '--cluster-replica-validity-factor', '0']
      servers.push(programOf(dir, port, [...dataArgs(port), ...own, ...times]))
    }
    await Promise.all(servers.map((server) => server.start()))
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`)
    const made = spawn(
      'redis-cli',
      ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'],
      { stdio: 'ignore' },
    )
    const [code] = (await once(made, 'exit')) as [number]
    if (code !== 0) throw new Error('redis-cli makes no cluster')
    const isWhole = async (server: Server) =>
      String(await server.ask('CLUSTER', 'INFO')).includes('cluster_state:ok') &&
      !/(slave|replica)\S* \S+ \d+ \d+ \d+ disconnected/.test(String(await server.ask('CLUSTER', 'NODES')))
    const hasReplica = async (server: Server) => {
      const text = String(await server.ask('INFO', 'replication'))
      return /role:slave/.test(text)
        ? /master_link_status:up/.test(text)
        : /connected_slaves:[1-9]/.test(text)
    }
    for (const server of servers)
      await until('the cluster is whole', async () => (await isWhole(server)) && hasReplica(server), 30_000)
    const url = addresses.map((address) => `redis://${address}`).join(',')
    const client = createCluster({ rootNodes: addresses.map((at) => ({ url: `redis://${at}` })) })
    client.on('error', () => {})
    client.on('node-error', () => {})
    await client.connect()

    const up = async () => {
      const answers = await Promise.all(
        servers.map((server) =>
          server.ask('PING').then(
            () => server,
            () => null,
          ),
        ),
      )
      return answers.filter((server) => server !== null)
    }
    const isMaster = async (server: Server) =>
      String(await server.ask('INFO', 'replication')).includes('role:master')
    const masterOf = async (key: string): Promise<Server> => {
      const slot = Number(await (await up())[0]!.ask('CLUSTER', 'KEYSLOT', key))
      for (const server of await up()) {
        const slots = (await server.ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
        const port = slots.find(([from, to]) => slot >= from && slot <= to)?.[2][1]
        const master = servers.find((each) => each.port === port)
        if (master) return master
      }
      throw new Error(`No server has ${key}`)
    }
    return {
      url,
      /** As many as a reader may ask for at once: keys of one slot. */
      groups: (keys: string[]) => keys.map((key) => [key]),
      /** One command at the master of its key, by words; to all masters where it has none. */
      async ask(...words: string[]): Promise<unknown> {
        const [name, first, , key] = words
        if (name !== 'CLIENT' && name !== 'FLUSHALL')
          return client.sendCommand(name === 'EVAL' ? key : first, false, words)
        for (const server of await up())
          if (name === 'CLIENT' || (await isMaster(server))) await server.ask(...words)
        return 'OK'
      },
      /**
       * Kills the master of a key, waits until another server is master in its place, and starts it again as a replica.
       *
       * @returns ms until there was another master
       */
      async failOver(key: string): Promise<number> {
        const master = await masterOf(key)
        const began = Date.now()
        await master.kill()
        await until('another master', async () => (await masterOf(key)) !== master, 30_000)
        const took = Date.now() - began
        await master.start()
        await until('the killed server is a replica', () => hasReplica(master).catch(() => false), 30_000)
        return took
      },
      async close() {
        if (client.isOpen) client.destroy()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

const MASTER_NAME = 'main'

/** A master and a replica, which three Sentinels watch. */
export const startRedisSentinels = async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tabstream-redis-sentinel-'))
  const servers: Server[] = []
  const close = closing(dir, servers)
  try {
    const [first, second, ...others] = (await freePorts(5)) as [number, number, ...number[]]
    const data = [
      programOf(dir, first, dataArgs(first)),
      programOf(dir, second, [...dataArgs(second), '--replicaof', `127.0.0.1 ${first}`]),
    ]
    servers.push(...data)
    for (const server of data) await server.start()
    const watching: Server[] = []
    for (const port of others) {
      const file = join(dir, `sentinel-${port}.conf`)
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${first} 2`,
        `sentinel down-after-milliseconds ${MASTER_NAME} ${SUSPECTED_AFTER}`,
        `sentinel failover-timeout ${MASTER_NAME} 5000`,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      watching.push(programOf(dir, port, [file, '--sentinel']))
    }
    servers.push(...watching)
    for (const server of watching) await server.start()
    const isReady = async (server: Server) => {
      const master = (await server.ask('SENTINEL', 'MASTER', MASTER_NAME)) as
        | Record<string, string>
        | string[]
      const of = (name: string) => (Array.isArray(master) ? master[master.indexOf(name) + 1] : master[name])
      return of('num-slaves') === '1' && of('num-other-sentinels') === '2'
    }
    for (const server of watching) await until('the Sentinels know each other', () => isReady(server), 30_000)
    const masterPort = async () =>
      Number(((await watching[0]!.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as string[])[1])
    const isReplica = async (server: Server) =>
      /role:slave[\s\S]*master_link_status:up/.test(String(await server.ask('INFO', 'replication')))
    await until('the replica has what its master has', () => isReplica(data[1]!), 30_000)
    const masterOf = async () => data[(await masterPort()) === first ? 0 : 1]!
    return {
      url: `redis+sentinel://${watching.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${MASTER_NAME}`,
      async ask(...words: string[]): Promise<unknown> {
        return (await masterOf()).ask(...words)
      },
      /** As the cluster's. */
      async failOver(): Promise<number> {
        const master = await masterOf()
        const began = Date.now()
        await master.kill()
        const other = data.find((server) => server !== master)!
        const isPromoted = async () =>
          (await masterOf()) === other &&
          String(await other.ask('INFO', 'replication')).includes('role:master')
        await until('another master', isPromoted, 60_000)
        const took = Date.now() - began
        await master.start()
        await until('the killed server is a replica', () => isReplica(master), 60_000)
        return took
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
