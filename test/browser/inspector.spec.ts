import { readFile } from 'node:fs/promises'
import type { Locator } from 'playwright/test'
import { violationsIn } from './axe.ts'
import { eventually, expect, expectExactlyOnce, test } from './fixtures.ts'
import { leaderOf, type Tab } from './tab.ts'

const HOSTS = ['shared-worker', 'worker'] as const

/** Opens it in a tab, and speaks of its parts as people would. */
const inspect = async ({ page }: Tab) => {
  await page.evaluate(async () => void (await window.stream.openInspector()))
  const root = page.locator('tabstream-inspector')
  const panel = (name: string): Locator => root.getByRole('tabpanel', { name })
  return {
    root,
    /** Chooses a panel. */
    async show(name: string): Promise<Locator> {
      await root.getByRole('tab', { name, exact: true }).click()
      return panel(name)
    },
    press: (name: string) => root.getByRole('button', { name, exact: true }).click(),
    /** What stands beside a name in a panel of names and values. */
    field: (within: Locator, name: string) =>
      within
        .locator('.field')
        .filter({ has: page.locator(`dt:text-is("${name}")`) })
        .locator('dd'),
  }
}

/** What the clipboard holds, as a person would see it: pasted. */
const pasted = async ({ page }: Tab): Promise<string> => {
  await page.evaluate(() => {
    const area = Object.assign(document.createElement('textarea'), { id: 'paste' })
    document.body.prepend(area)
    area.focus()
  })
  await page.keyboard.press('Control+V')
  return page.evaluate(() => {
    const area = document.querySelector<HTMLTextAreaElement>('#paste')!
    area.remove()
    return area.value
  })
}

test('I3 is loaded by who opens it first, and is one element: nothing of it before', async ({ open }) => {
  const tab = await open()
  await tab.until('open')
  const scripts = () =>
    tab.page.evaluate(
      () => performance.getEntriesByType('resource').filter(({ name }) => /inspector/.test(name)).length,
    )
  expect(await scripts()).toBe(0)
  const same = await tab.page.evaluate(async () => {
    const first = await window.stream.openInspector()
    const again = await window.stream.openInspector()
    return [
      first === again,
      first.isConnected,
      first.open,
      document.querySelectorAll('tabstream-inspector').length,
    ]
  })
  expect(same).toEqual([true, true, true, 1])
  expect(await scripts()).toBeGreaterThan(0)
})

for (const host of HOSTS)
  test(`I3 each panel shows the truth, in a ${host}`, async ({ backend, openTabs }) => {
    const tabs = await openTabs(2, { host })
    await backend.publish(5)
    await expectExactlyOnce(tabs, backend.published())
    const leader = (await leaderOf(tabs))!
    await leader.committed()
    const inspector = await inspect(leader)
    const { log, tab: own, key } = await leader.inspect()

    const stream = await inspector.show('Stream')
    const { field } = inspector
    await expect(field(stream, 'State')).toHaveText('open')
    await expect(field(stream, 'Role')).toHaveText('leader')
    await expect(field(stream, 'Host')).toHaveText(host)
    await expect(field(stream, 'Tabs')).toHaveText(host === 'worker' ? '1' : '2')
    await expect(field(stream, 'Log holds')).toHaveText('5 events · 1 to 5')
    await expect(field(stream, 'Last event ID')).toHaveText(log.lastEventId)
    await expect(field(stream, 'Durable')).toHaveText('yes')
    await expect(field(stream, 'User')).toHaveText('ada')
    await expect(field(stream, 'URL')).toHaveText(`${backend.url}/api/v1/events/stream`)
    expect(key).toContain(backend.url)

    const rows = (await inspector.show('Tabs')).getByRole('row')
    await expect(rows).toHaveCount(host === 'worker' ? 2 : 3)
    const mine = rows.filter({ has: leader.page.locator('.badge:visible') })
    await expect(mine).toContainText(own.slice(0, 8))
    await expect(mine.getByRole('cell')).toContainText([
      'visible',
      'idle',
      '5',
      '0',
      'everything',
      'ago',
      'ago',
    ])

    const events = (await inspector.show('Log')).getByRole('option')
    await expect(events).toHaveCount(5)
    await expect(events.first()).toContainText('task.progress_updated')
    await expect(events.first()).toContainText(log.lastEventId)

    const happenings = (await inspector.show('Time line')).getByRole('listitem')
    await expect(happenings.filter({ hasText: 'Hub' })).toContainText('began')
    await expect(happenings.filter({ hasText: 'State' }).first()).toContainText('open')
    await expect(happenings.filter({ hasText: 'Role' })).toContainText('leader')

    const metrics = await inspector.show('Metrics')
    await expect(field(metrics, 'Events received')).toHaveText('5')
    await expect(field(metrics, 'task.progress_updated')).toHaveText('5')
    await expect(field(metrics, 'Connections')).toHaveText(
      `${backend.connections().opened} of ${backend.connections().opened}`,
    )
    await expect(metrics.locator('canvas')).toHaveCount(4)
    const seconds = metrics.locator('figure').filter({ hasText: 'Since the last byte' })
    await expect(seconds).toContainText(/\d m?s/)
  })

test('I1 an inspector that is opened late shows what was, and why', async ({ backend, openTabs }) => {
  const tabs = await openTabs(1)
  // Its file is the server's as well, which is about to be away.
  await inspect(tabs[0]!)
  await tabs[0]!.page.evaluate(() => document.querySelector('tabstream-inspector')!.remove())
  await backend.stop()
  await tabs[0]!.until('waiting')
  const inspector = await inspect(tabs[0]!)
  const stream = await inspector.show('Stream')
  await expect(stream.locator('.callout')).toContainText('network')
  await expect(inspector.field(stream, 'State')).toHaveText(/waiting|connecting/)
  await backend.start()
  await tabs[0]!.until('open')
  const happenings = (await inspector.show('Time line')).getByRole('listitem')
  await expect(happenings.filter({ hasText: 'Error' }).first()).toContainText('network')
  await expect(happenings.filter({ hasText: 'State' }).first()).toContainText('open')
  await inspector.root.getByLabel('Show', { exact: true }).selectOption('faults')
  await expect(happenings.filter({ hasText: 'Hub' })).toHaveCount(0)
  await expect(happenings.filter({ hasText: 'Error' }).first()).toBeVisible()
})

test('I1 the log: filtered by type, a payload on demand and copied, older ones as they are asked for', async ({
  backend,
  open,
}) => {
  const tab = await open()
  await tab.until('open')
  await backend.publish(150)
  await backend.debug('publish', { user: 'ada', events: [{ type: 'note.added', data: { text: 'find me' } }] })
  await backend.publish(1)
  await tab.received(151)
  const inspector = await inspect(tab)
  const log = await inspector.show('Log')
  const events = log.getByRole('option')
  await expect(events).toHaveCount(100)
  await inspector.press('Older')
  await expect(events).toHaveCount(152)
  await expect(log.getByRole('button', { name: 'Older' })).toBeDisabled()

  await log.getByRole('combobox', { name: 'Filter by type' }).fill('NOTE')
  await expect(events).toHaveCount(1)
  expect(await log.textContent()).not.toContain('find me')
  await events.click()
  await expect(log.locator('pre')).toHaveText(/"text": "find me"/)
  await inspector.press('Copy payload')
  await expect(inspector.root.getByRole('status')).toHaveText('Payload copied.')
  expect(JSON.parse(await pasted(tab))).toMatchObject({ text: 'find me' })

  // By the keyboard: the next older one, of all types again.
  await log.getByRole('combobox', { name: 'Filter by type' }).fill('')
  await log.getByRole('listbox').press('ArrowDown')
  await expect(log.locator('pre')).toHaveText(/"n": 150/)
  await log.getByRole('listbox').press('Escape')
  await expect(log.locator('pre')).toBeHidden()

  // What comes while one looks is there without a press.
  await backend.publish(1)
  await expect(events.first()).toContainText('task.progress_updated')
  await expect(events).toHaveCount(153)
})

test('I3 "Reconnect" reopens the stream: one more at the server, one at a time', async ({
  backend,
  openTabs,
}) => {
  const tabs = await openTabs(2)
  const inspector = await inspect(tabs[1]!)
  const before = backend.connections().opened
  await inspector.press('Reconnect')
  await eventually(() => backend.connections().opened).toBe(before + 1)
  await backend.publish(3)
  await expectExactlyOnce(tabs, backend.published())
  expect([backend.peak(), backend.replaced()]).toEqual([1, 0])
})

for (const host of HOSTS)
  test(`I2 "Drop log", once confirmed, tells every tab, and nothing is lost after it, in a ${host}`, async ({
    backend,
    openTabs,
  }) => {
    const tabs = await openTabs(2, { host })
    await backend.publish(4)
    await expectExactlyOnce(tabs, backend.published())
    // Of a follower, where there are any: its hub asks the leader's.
    const leader = await leaderOf(tabs)
    const tab = tabs.find((each) => each !== leader)!
    const inspector = await inspect(tab)
    const dialog = inspector.root.getByRole('dialog')

    await inspector.press('Drop log')
    await expect(dialog).toContainText('every tab')
    await dialog.getByRole('button', { name: 'Keep it' }).click()
    await expect(dialog).toBeHidden()
    await backend.publish(1)
    await expectExactlyOnce(tabs, backend.published())
    for (const each of tabs) expect((await each.record()).resets).toEqual([])

    await inspector.press('Drop log')
    await dialog.getByRole('button', { name: 'Drop the log' }).click()
    for (const each of tabs)
      await eventually(async () => (await each.record()).resets, { message: 'it is told' }).toEqual([
        { reason: 'dropped' },
      ])
    await backend.publish(6)
    await expectExactlyOnce(tabs, backend.published())
    for (const each of tabs) expect((await each.record()).resetsAt).toEqual([5])
    const events = (await inspector.show('Log')).getByRole('option')
    await expect(events).toHaveCount(6)
    await expect(
      (await inspector.show('Time line')).getByRole('listitem').filter({ hasText: 'Reset' }),
    ).toContainText('dropped')
    // The log goes, the stream stays.
    expect([backend.connections().opened, backend.peak()]).toEqual([1, 1])
  })

test('I4 A1 a report has no credential, no payload and no query value, saved or copied', async ({
  backend,
  open,
  context,
  browserName,
}) => {
  const tab = await open({ url: '/api/v1/events/stream?board=secret-board' })
  await tab.until('open')
  await backend.publish(3)
  await tab.received(3)
  const inspector = await inspect(tab)
  // A stock Firefox tells Playwright of no download: what goes into it is seen on its way.
  await tab.page.evaluate(() => {
    const make = URL.createObjectURL
    URL.createObjectURL = (blob: Blob) => {
      blob.text().then((saved) => Object.assign(window, { saved }))
      return make.call(URL, blob)
    }
  })
  const downloading = browserName === 'chromium' ? tab.page.waitForEvent('download') : null
  await inspector.press('Save report')
  await expect(inspector.root.getByRole('status')).toHaveText('Report saved.')
  // A blob's text comes by a promise of its own, which the status does not wait for.
  const saved = (await (
    await tab.page.waitForFunction(() => (window as unknown as { saved?: string }).saved)
  ).jsonValue())!
  if (downloading !== null) {
    const download = await downloading
    expect(download.suggestedFilename()).toMatch(/^tabstream-report-.*\.json$/)
    expect(await readFile(await download.path(), 'utf8')).toBe(saved)
  }
  await inspector.press('Copy report')
  await expect(inspector.root.getByRole('status')).toHaveText('Report copied.')
  const copied = await pasted(tab)
  const cookies = await context.cookies(`${backend.url}/api/v1/events/stream`)
  expect(cookies.length).toBeGreaterThan(0)
  for (const report of [saved, copied]) {
    expect(JSON.parse(report)).toMatchObject({
      status: { state: 'open' },
      inspection: { log: { head: 3 }, sessions: [{ lag: 0 }], heads: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] },
      metrics: { eventsReceived: { total: 3 } },
    })
    // Every JWT begins with eyJ; every payload has a label.
    for (const secret of [...cookies.map(({ value }) => value), 'eyJ', 'Bearer', 'secret-board', '"label"'])
      expect(report).not.toContain(secret)
  }
})

test('I3 by the keyboard: panels by arrows, height by arrows, closed to a button and opened again', async ({
  open,
}) => {
  const tab = await open()
  await tab.until('open')
  const { root } = await inspect(tab)
  await root.getByRole('tab', { name: 'Stream' }).focus()
  await tab.page.keyboard.press('ArrowRight')
  await expect(root.getByRole('tab', { name: 'Tabs' })).toBeFocused()
  await expect(root.getByRole('tabpanel', { name: 'Tabs' })).toBeVisible()
  await tab.page.keyboard.press('End')
  await expect(root.getByRole('tab', { name: 'Metrics' })).toHaveAttribute('aria-selected', 'true')
  await tab.page.keyboard.press('ArrowRight')
  await expect(root.getByRole('tab', { name: 'Stream' })).toBeFocused()

  const edge = root.getByRole('separator')
  const height = async () => Math.round((await root.locator('.dock').boundingBox())!.height)
  const before = await height()
  await edge.press('ArrowUp')
  expect((await height()) - before).toBe(24)
  await expect(edge).toHaveAttribute('aria-valuenow', String(before + 24))

  await root.getByRole('button', { name: 'Close the inspector' }).press('Enter')
  const button = root.getByRole('button', { name: 'Open the tabstream inspector: open' })
  await expect(button).toBeFocused()
  await expect(root.getByRole('tab', { name: 'Stream' })).toBeHidden()
  await button.press('Enter')
  await expect(root.getByRole('tab', { name: 'Stream' })).toBeFocused()
})

test('I3 docked it fills its container, and is always open', async ({ open }) => {
  const tab = await open()
  await tab.until('open')
  await inspect(tab)
  await tab.page.evaluate(() => {
    const box = document.createElement('div')
    Object.assign(box.style, { height: '300px', width: '500px' })
    const element = document.createElement('tabstream-inspector')
    element.toggleAttribute('docked')
    element.stream = window.stream
    box.append(element)
    document.body.replaceChildren(box)
  })
  const root = tab.page.locator('tabstream-inspector')
  await expect(root.getByRole('tab', { name: 'Stream' })).toBeVisible()
  await expect(root.getByRole('button', { name: 'Close the inspector' })).toBeHidden()
  expect(await root.boundingBox()).toMatchObject({ width: 500, height: 300 })
})

test('I3 axe finds nothing, in any panel, light or dark, wide or at 360 px', async ({
  backend,
  open,
  browserName,
}) => {
  // axe looks at each panel in four ways, and takes seconds for each on a busy machine.
  test.setTimeout(150_000)
  const tab = await open()
  await tab.until('open')
  await backend.publish(20)
  await tab.received(20)
  const { root, show } = await inspect(tab)
  const said: string[] = []
  // What is on its way from one scheme's color to the other's has the contrast of neither.
  if (browserName !== 'firefox') await tab.page.emulateMedia({ reducedMotion: 'reduce' })
  // The debugger of a stock Firefox knows no color scheme.
  for (const colorScheme of browserName === 'firefox' ? ([null] as const) : (['light', 'dark'] as const)) {
    if (colorScheme !== null) await tab.page.emulateMedia({ colorScheme })
    for (const width of [1_280, 360]) {
      await tab.page.setViewportSize({ width, height: 800 })
      for (const name of ['Stream', 'Tabs', 'Log', 'Time line', 'Metrics']) {
        const panel = await show(name)
        if (name === 'Log') {
          await panel.getByRole('option').first().click()
          await expect(panel.locator('pre')).toHaveText(/"n"/)
        }
        const found = await violationsIn(tab.page, 'tabstream-inspector')
        said.push(...found.map((each) => `${colorScheme} ${width} ${name}: ${each}`))
      }
      const wider = await tab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(wider, `it overflows at ${width} px`).toBeLessThanOrEqual(0)
    }
  }
  await root.getByRole('button', { name: 'Drop log' }).click()
  said.push(...(await violationsIn(tab.page, 'tabstream-inspector')))
  await root.getByRole('button', { name: 'Keep it' }).click()
  await root.getByRole('button', { name: 'Close the inspector' }).click()
  said.push(...(await violationsIn(tab.page, 'tabstream-inspector')))
  expect(said).toEqual([])
})

test('I3 lives under a strict policy: no inline style, no markup from text (Trusted Types)', async ({
  open,
}) => {
  const tab = await open()
  await tab.until('open')
  await tab.page.evaluate(() => {
    const violations: string[] = []
    Object.assign(window, { violations })
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, sample }) =>
      violations.push(`${violatedDirective} ${sample}`),
    )
    // In force from here on, beside the server's own policy: 'self' for scripts and styles, nothing inline.
    const policy = document.createElement('meta')
    policy.httpEquiv = 'content-security-policy'
    policy.content = "require-trusted-types-for 'script'; style-src 'self'"
    document.head.append(policy)
  })
  const { show, press, root } = await inspect(tab)
  for (const name of ['Tabs', 'Log', 'Time line', 'Metrics', 'Stream']) await show(name)
  await press('Drop log')
  await root.getByRole('button', { name: 'Keep it' }).click()
  await expect(root.locator('canvas').first()).toBeAttached()
  expect(await tab.page.evaluate(() => (window as unknown as { violations: string[] }).violations)).toEqual(
    [],
  )
})
