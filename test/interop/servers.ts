import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastifySse from '@fastify/sse'
import { createChannel, createSession } from 'better-sse'
import fastify from 'fastify'

/** A server that somebody else wrote, used as its documentation says. It keeps the last `KEPT` events. */
export interface ForeignServer {
  port: number
  /** Where its stream is. */
  path: string
  publish(n: number): Promise<void>
  close(): Promise<void>
}

export const KEPT = 5
const event = 'tick'
const PING = 500

const listen = (server: Server) =>
  new Promise<number>((done) =>
    server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port)),
  )
const end = (server: Server) =>
  new Promise<void>((done) => {
    server.close(() => done())
    server.closeAllConnections()
  })

/** What an application keeps for it: neither library has a store of its own. */
const createHistory = () => {
  const kept: { n: number }[] = []
  return {
    add(n: number) {
      kept.push({ n })
      if (kept.length > KEPT) kept.shift()
    },
    /** Without a word about what is no longer there, as in their examples. */
    after: (id: string) => kept.filter(({ n }) => n > Number(id)),
  }
}

const betterSse = async (): Promise<ForeignServer> => {
  const channel = createChannel()
  const history = createHistory()
  const server = createServer(async (request, response) => {
    const session = await createSession(request, response, { keepAlive: PING })
    if (session.lastId !== '')
      for (const { n } of history.after(session.lastId)) session.push({ n }, event, String(n))
    channel.register(session)
  })
  const port = await listen(server)
  return {
    port,
    path: '/',
    async publish(n) {
      history.add(n)
      channel.broadcast({ n }, event, { eventId: String(n) })
    },
    close: () => end(server),
  }
}

const fastifySseServer = async (): Promise<ForeignServer> => {
  const app = fastify()
  await app.register(fastifySse, { heartbeatInterval: PING })
  const history = createHistory()
  const open = new Set<(n: number) => unknown>()
  app.get('/stream', { sse: 'only' }, async (_request, reply) => {
    reply.sse.keepAlive()
    const send = (n: number) => reply.sse.send({ id: String(n), event, data: { n } })
    await reply.sse.replay(async (lastEventId: string) => {
      for (const { n } of history.after(lastEventId)) await send(n)
    })
    // It answers once there is something to say.
    reply.sse.sendHeaders()
    open.add(send)
    reply.sse.onClose(() => open.delete(send))
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    port: (app.server.address() as AddressInfo).port,
    path: '/stream',
    async publish(n) {
      history.add(n)
      await Promise.all([...open].map((send) => send(n)))
    },
    async close() {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

const NCHAN = '/usr/lib/nginx/modules/ngx_nchan_module.so'

/** Debian's; installed where that is possible. @returns whether it is there */
export const ensureNchan = (): boolean => {
  if (existsSync(NCHAN) && existsSync('/usr/sbin/nginx')) return true
  if (process.getuid?.() !== 0) return false
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', '-y', ...args], { env, stdio: 'ignore' })
  apt('update')
  apt('install', '--no-install-recommends', 'nginx', 'libnginx-mod-nchan')
  return existsSync(NCHAN)
}

const nchan = async (): Promise<ForeignServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'tabstream-nchan-'))
  const probe = createServer()
  const port = await listen(probe)
  await end(probe)
  const config = `
    load_module ${NCHAN};
    daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log /dev/null crit;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      nchan_message_buffer_length ${KEPT};
      server {
        listen 127.0.0.1:${port};
        location = /stream {
          nchan_subscriber eventsource;
          nchan_channel_id all;
          nchan_subscriber_first_message newest;
          nchan_eventsource_ping_interval 1;
        }
        location = /publish { nchan_publisher; nchan_channel_id all; }
      }
    }`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, config)
  const child: ChildProcess = spawn('/usr/sbin/nginx', ['-c', file, '-p', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const gone = new Promise((done) => child.once('exit', done))
  const publish = (n: number) =>
    fetch(`http://127.0.0.1:${port}/publish`, {
      method: 'POST',
      headers: { 'x-eventsource-event': event, 'content-type': 'application/json' },
      body: JSON.stringify({ n }),
    })
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      )
    )
      break
    if (tries > 100) throw new Error('nginx does not start.')
    await new Promise((done) => setTimeout(done, 50))
  }
  return {
    port,
    path: '/stream',
    async publish(n) {
      const { ok, status } = await publish(n)
      if (!ok) throw new Error(`nginx answers ${status} to a publication.`)
    },
    async close() {
      child.kill('SIGTERM')
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Ours, for want of a hub to install: it answers with `Mercure-Last-Event-ID`, as that protocol has it. */
const mercure = async (): Promise<ForeignServer> => {
  const history = createHistory()
  const open = new Set<(n: number) => unknown>()
  const server = createServer((request, response) => {
    const asked = request.headers['last-event-id']
    const known = asked === undefined || history.after('0').some(({ n }) => String(n) === asked)
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      ...(asked === undefined ? {} : { 'mercure-last-event-id': known ? asked : 'earliest' }),
    })
    const send = (n: number) => response.write(`id: ${n}\nevent: ${event}\ndata: {"n":${n}}\n\n`)
    response.write(':\n\n')
    if (asked !== undefined) for (const { n } of history.after(known ? String(asked) : '0')) send(n)
    const alive = setInterval(() => response.write(':\n\n'), PING)
    open.add(send)
    response.on('close', () => {
      clearInterval(alive)
      open.delete(send)
    })
  })
  const port = await listen(server)
  return {
    port,
    path: '/',
    async publish(n) {
      history.add(n)
      for (const send of open) send(n)
    },
    close: () => end(server),
  }
}

export const servers = {
  'nginx with Nchan': nchan,
  'better-sse': betterSse,
  '@fastify/sse': fastifySseServer,
  'Mercure-style': mercure,
}
