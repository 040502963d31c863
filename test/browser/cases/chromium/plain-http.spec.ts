import { chromium } from 'playwright/test'
import { launchWith } from '../../../browsers.ts'
import type { StartOptions } from '../../app/record.ts'
import { eventually, expect, openStream, test } from '../fixtures.ts'

const HOST = 'app.lan'

test('T2 a page on plain http in a LAN: connect() does not throw, the stream is `failed` and speaks of the page, the React tree stays', async ({
  serve,
}) => {
  const server = await serve({ '/stream': (_request, response) => openStream(response) })
  const { launchOptions } = launchWith('chromium')
  const browser = await chromium.launch({
    ...launchOptions,
    args: [...(launchOptions?.args ?? []), `--host-resolver-rules=MAP ${HOST} 127.0.0.1`],
  })
  try {
    const page = await browser.newPage()
    await page.goto(`http://${HOST}:${server.port}/`)
    expect(await page.evaluate(() => isSecureContext)).toBe(false)
    const options: StartOptions = { url: '/stream', user: 'ada', exchange: null }
    expect(await page.evaluate((start) => window.start(start), options)).toEqual({})
    await eventually(() => page.evaluate(() => window.stream.status.state)).toBe('failed')
    await eventually(() => page.evaluate(() => window.record.errors.length)).toBe(1)
    const { errors, reported } = await page.evaluate(() => window.record)
    expect(errors[0]!.message).toMatch(/page/)
    expect(errors[0]!.message).toMatch(/https/)
    expect(reported).toEqual([])
    await page.evaluate((start) => window.mountReact(start), options)
    await eventually(() => page.evaluate(() => document.querySelector('output')?.textContent)).toBe('failed')
    expect(await page.evaluate(() => document.querySelector('h1')?.textContent)).toBe('The application')
    expect(server.requestsOf('/stream')).toEqual([])
  } finally {
    await browser.close()
  }
})
