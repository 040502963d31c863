import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../free-port.ts'
import { which } from '../programs.ts'
import { endChild, isOver, startChild } from './children.ts'

export type ProxyName = 'nginx' | 'caddy' | 'haproxy'

/** Nodes as the configurations name them. */
const written = { nodes: [8787, 8788, 8789], ops: [9787, 9788, 9789] }
const publicPort = 8080

const kinds: Record<
  ProxyName,
  {
    file: string
    args: (file: string, dir: string) => string[]
    adapt?: (text: string, dir: string) => string
  }
> = {
  nginx: {
    file: 'nginx.conf',
    args: (file, dir) => [
      '-p',
      dir,
      '-c',
      file,
      '-g',
      `daemon off; pid ${dir}/nginx.pid; error_log stderr crit;`,
    ],
    // Debian's folders are root's; a test may not be.
    adapt: (text, dir) =>
      text.replace(
        'http {',
        `http {\n  access_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
          .map((name) => `  ${name}_temp_path ${dir}/${name};`)
          .join('\n')}`,
      ),
  },
  caddy: { file: 'Caddyfile', args: (file) => ['run', '--config', file, '--adapter', 'caddyfile'] },
  haproxy: { file: 'haproxy.cfg', args: (file) => ['-db', '-f', file] },
}

const configuration = (file: string) =>
  readFileSync(fileURLToPath(new URL(`../../demo/server/proxies/${file}`, import.meta.url)), 'utf8')

/** Ports of the nodes behind a proxy, three each. */
export interface ProxiedNodes {
  nodes: readonly number[]
  ops: readonly number[]
}

/** The configuration that demo/server documents, with nothing changed but ports and folders. */
export const startProxy = async (name: ProxyName, ports: ProxiedNodes) => {
  const { file, args, adapt = (text: string) => text } = kinds[name]
  const dir = mkdtempSync(join(tmpdir(), `tabstream-${name}-`))
  const port = await freePort()
  let text = adapt(configuration(file), dir).replaceAll(`127.0.0.1:${publicPort}`, `127.0.0.1:${port}`)
  for (const [index, known] of written.nodes.entries())
    text = text.replaceAll(`127.0.0.1:${known}`, `127.0.0.1:${ports.nodes[index]}`)
  for (const [index, known] of written.ops.entries())
    text = text.replaceAll(` port ${known}`, ` port ${ports.ops[index]}`)
  const path = join(dir, file)
  writeFileSync(path, text)
  mkdirSync(join(dir, 'home'))
  const child = startChild(which(name)!, args(path, dir), {
    stdio: ['ignore', 'ignore', process.env.PROXY_LOG ? 'inherit' : 'ignore'],
    env: { ...process.env, HOME: join(dir, 'home') },
  })
  const url = `http://127.0.0.1:${port}`
  // A path that the proxy answers itself.
  while ((await fetch(`${url}/metrics`).catch(() => null))?.status !== 404) {
    if (isOver(child)) throw new Error(`${name} has ended: PROXY_LOG=1 shows why`)
    await new Promise((done) => setTimeout(done, 50))
  }
  return {
    name,
    url,
    async close(): Promise<void> {
      await endChild(child, 'SIGTERM')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
