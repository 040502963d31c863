import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type RunningServer, type ServerOptions, startServer } from '../../demo/server/app.ts'

export const temporaryDirectory = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'tabstream-server-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A server of this test alone, with /debug, closed behind it. */
export const start = async (options: Partial<ServerOptions> = {}): Promise<RunningServer> => {
  const server = await startServer({ dataDir: temporaryDirectory(), debug: true, ...options })
  onTestFinished(() => server.close())
  return server
}

/** As a page of the server's own origin does. */
export const post = (server: RunningServer, path: string, body?: unknown, token?: string) =>
  fetch(server.url + path, {
    method: 'POST',
    headers: {
      Origin: server.url,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

export const tokenFor = async (
  server: RunningServer,
  user: string,
  kind: 'access' | 'sse',
): Promise<string> => {
  const answer = (await (await post(server, '/debug/token', { user, kind })).json()) as { token: string }
  return answer.token
}

/** Cookies of an answer as the browser would send them back. */
export const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')

/** `n` payloads that can be told apart. */
export const numbered = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => ({ type: 'genesis.progress', data: { n: from + index } }))
