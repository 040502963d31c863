import { firefox } from 'playwright/test'
import { launchWith } from '../../../browsers.ts'
import type { StartOptions } from '../../app/record.ts'
import { eventually, expect, openStream, test } from '../fixtures.ts'

test('T2 Firefox with cookies blocked: connect() does not throw, the stream is `failed` within seconds and says so, the React tree stays', async ({
  serve,
}) => {
  const server = await serve({ '/stream': (_request, response) => openStream(response) })
  const { launchOptions, channel } = launchWith('firefox')
  const browser = await firefox.launch({
    ...launchOptions,
    ...(channel === undefined ? {} : { channel }),
    firefoxUserPrefs: { 'network.cookie.cookieBehavior': 2 },
  })
  try {
    const page = await browser.newPage()
    await page.goto(server.url)
    const options: StartOptions = { url: '/stream', user: 'ada', exchange: null }
    expect(await page.evaluate((start) => window.start(start), options)).toEqual({})
    await eventually(() => page.evaluate(() => window.stream.status.state)).toBe('failed')
    await eventually(() => page.evaluate(() => window.record.errors.length)).toBe(1)
    const { errors, reported } = await page.evaluate(() => window.record)
    expect(errors[0]!.message).toMatch(/cookies|storage/i)
    expect(reported).toEqual([])
    await page.evaluate((start) => window.mountReact(start), options)
    await eventually(() => page.evaluate(() => document.querySelector('output')?.textContent)).toBe('failed')
    expect(await page.evaluate(() => document.querySelector('h1')?.textContent)).toBe('The application')
  } finally {
    await browser.close()
  }
})
