import type { Page } from 'playwright/test'
import type { StartOptions } from '../app/record.ts'
import type { OddServer } from '../odd-server.ts'
import { eventually, expect, firstError, test } from './fixtures.ts'

/** Connects in a page whose console is listened to. */
const listen = async (page: Page, server: OddServer, options: StartOptions) => {
  const said: { type: string; text: string }[] = []
  page.on('console', (message) => {
    if (message.text().includes('tabstream')) said.push({ type: message.type(), text: message.text() })
  })
  await page.goto(server.url)
  await page.evaluate((start) => void window.start(start), options)
  return said
}

const START: StartOptions = { url: '/stream', user: 'ada', exchange: null }

test('S6 a stream without a listener for errors says a retryable error once per kind, by a warning with a link', async ({
  serve,
  page,
}) => {
  const server = await serve({ '/stream': (_request, response) => void response.writeHead(500).end() })
  const said = await listen(page, server, { ...START, withoutErrorListener: true })
  await eventually(() => server.requestsOf('/stream').length, { timeout: 20_000 }).toBeGreaterThan(3)
  await eventually(() => said.length).toBe(1)
  expect(said[0]!.type).toBe('warning')
  expect(said[0]!.text).toContain('500')
  expect(said[0]!.text).toMatch(/https:\/\/|docs\//)
})

test('S6 a stream without a listener for errors says a final error, by an error with a link', async ({
  serve,
  page,
}) => {
  const server = await serve({ '/stream': (_request, response) => void response.writeHead(403).end() })
  const said = await listen(page, server, { ...START, withoutErrorListener: true })
  await eventually(() => said.filter(({ type }) => type === 'error').length).toBe(1)
  expect(said[0]!.text).toContain('403')
  expect(said[0]!.text).toMatch(/https:\/\/|docs\//)
})

test('S6 a stream with a listener for errors says nothing to the console', async ({ serve, visit }) => {
  const server = await serve({ '/stream': (_request, response) => void response.writeHead(403).end() })
  const said: string[] = []
  const tab = await visit(server)
  tab.page.on('console', (message) => said.push(message.text()))
  expect((await firstError(tab)).status).toBe(403)
  await tab.page.evaluate(() => window.stream.reconnect())
  await eventually(async () => (await tab.record()).errors.length).toBe(2)
  expect(said.filter((text) => text.includes('tabstream'))).toEqual([])
})
