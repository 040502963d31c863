import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { test as base, expect, type Page } from 'playwright/test'
import type { StartOptions } from '../app/record.ts'
import { eventually } from '../eventually.ts'
import { type Answer, type OddServer, openStream, startOddServer } from '../odd-server.ts'
import { openTab, type Tab } from '../tab.ts'
import { setVisible } from '../visibility.ts'

const appDir = fileURLToPath(new URL('../app/dist', import.meta.url))

interface Cases {
  /** Starts a server of the test application, whose paths answer as the test says. */
  serve: (answers?: Record<string, Answer>, pageHeaders?: Record<string, string>) => Promise<OddServer>
  /** Opens its page in a new tab; by default with `/stream`, for ada, without authentication. */
  visit: (server: OddServer, options?: StartOptions) => Promise<Tab>
}

export const test = base.extend<Cases>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
  serve: async ({}, use) => {
    const servers: OddServer[] = []
    await use(async (answers = {}, pageHeaders = {}) => {
      const server = await startOddServer(appDir, answers, pageHeaders)
      servers.push(server)
      return server
    })
    for (const server of servers) await server.close()
  },
  visit: async ({ context }, use) => {
    await use((server, options) =>
      openTab(context, server.url, { url: '/stream', user: 'ada', exchange: null, ...options }),
    )
  },
})

/** The base of the backoff (S4), so that no test waits for seconds. */
export const RETRY = 'retry: 100\n\n'

/** The streams of one path that stand, for a test that writes to them and ends them. */
export const createStreams = () => {
  const standing = new Set<ServerResponse>()
  return {
    /** Answers with a stream, which begins with `head`. */
    open(response: ServerResponse, head = RETRY, headers: Record<string, string> = {}) {
      openStream(response, head, headers)
      standing.add(response)
      response.on('close', () => standing.delete(response))
    },
    write(text: string) {
      for (const response of standing) response.write(text)
    },
    /** Ends each of them cleanly. */
    end() {
      for (const response of standing) response.end()
    },
    count: () => standing.size,
  }
}

/** The first error that the tab was told, once there is one. */
export const firstError = async (tab: Tab) => {
  await eventually(async () => (await tab.record()).errors.length, { message: 'an error' }).toBeGreaterThan(0)
  return (await tab.record()).errors[0]!
}

/** The user turns to another tab, and looks at this one again. */
export const lookAt = async (page: Page) => {
  for (const visible of [false, true]) await setVisible(page, visible)
}

/** The reasons of all resets that the tab was told. */
export const resetsOf = async (tab: Tab) => (await tab.record()).resets.map(({ reason }) => reason)

const workerFile = fileURLToPath(new URL('../../../dist/stream.worker.js', import.meta.url))

/** Answers with the package's worker file, behind `prelude`, which changes the worker's globals. */
export const serveWorker =
  (prelude = ''): Answer =>
  (_request, response) => {
    const headers = { 'content-type': 'text/javascript', 'access-control-allow-origin': '*' }
    response.writeHead(200, headers).end(`${prelude}\n${readFileSync(workerFile, 'utf8')}`)
  }

export { frame, openStream } from '../odd-server.ts'
export { expectExactlyOnce, range } from '../tab.ts'
export { eventually, expect }
