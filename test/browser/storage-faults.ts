import type { BrowserContext } from 'playwright/test'
import type { Backend } from './backend.ts'
import { eventually, expect } from './fixtures.ts'
import { expectExactlyOnce, type Tab } from './tab.ts'

declare global {
  interface Window {
    /** What this page holds of IndexedDB, for as long as a test wants it to. */
    held: IDBDatabase | undefined
    letGo: () => void
  }
}

/** A tab of the same origin that has no client: another part of the application, or an older one. */
export const openOtherTab = async (context: BrowserContext, url: string, database: string) => {
  const page = await context.newPage()
  await page.goto(url)
  await page.evaluate(() => {
    // Deaf to `versionchange`, as a page that forgot about it is.
    window.letGo = () => window.held?.close()
  })
  return {
    page,
    /** Opens it, and keeps it open. @returns the version that the database has then */
    hold: (version?: number) =>
      page.evaluate(
        ([name, wanted]) =>
          new Promise<number>((resolve, reject) => {
            const request = indexedDB.open(name, wanted)
            request.onsuccess = () => {
              window.held = request.result
              resolve(request.result.version)
            }
            request.onerror = () => reject(request.error)
          }),
        [database, version] as const,
      ),
    /** Opens a database that is not there yet, and stays within the transaction that creates it. */
    holdUpgrade: () =>
      page.evaluate(
        (name) =>
          new Promise<void>((resolve) => {
            const request = indexedDB.open(name, 1)
            let going = true
            request.onupgradeneeded = () => {
              const transaction = request.transaction!
              const store = request.result.createObjectStore('busy')
              const again = () => {
                if (going) store.get('nothing').onsuccess = again
                // The database is as it was: not there.
                else transaction.abort()
              }
              again()
              window.letGo = () => {
                going = false
              }
              resolve()
            }
          }),
        database,
      ),
    /** Asks for its deletion. @returns once whoever holds it open lets go, or not until then */
    remove: () =>
      page.evaluate(
        (name) =>
          new Promise<void>((resolve, reject) => {
            const request = indexedDB.deleteDatabase(name)
            request.onsuccess = () => resolve()
            request.onerror = () => reject(request.error)
          }),
        database,
      ),
    letGo: () => page.evaluate(() => window.letGo()),
  }
}

/** Resolves once this is what every tab has been told. */
export const untilDurable = async (tabs: Tab[], durable: boolean, timeout = 15_000) => {
  for (const tab of tabs)
    await eventually(async () => (await tab.status()).durable, {
      timeout,
      message: `durable: ${durable}`,
    }).toBe(durable)
}

/** Memory mode is told as an error as well, and ends nothing. */
export const expectStorageErrors = async (tabs: Tab[]) => {
  for (const tab of tabs) {
    const { errors, resets } = await tab.record()
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors)
      expect(error).toMatchObject({ kind: 'storage', retryable: true, state: 'open' })
    expect(resets).toEqual([])
  }
}

/** Resolves once memory mode was told, and is over: where IndexedDB is back at once it lasts for 1 s, easily missed. */
export const untilDurableAgain = async (tabs: Tab[]) => {
  for (const tab of tabs)
    await eventually(async () => (await tab.record()).errors.map(({ kind }) => kind), {
      message: 'a storage error',
    }).toContain('storage')
  await untilDurable(tabs, true, 40_000)
}

/** The hub dies: its successor loses nothing, and tells of no reset. */
export const expectNextHubGoesOn = async (tabs: Tab[], backend: Backend) => {
  await tabs[0]!.harm('close')
  await backend.publish(20)
  await expectExactlyOnce(tabs, backend.published())
  for (const tab of tabs) expect((await tab.record()).resets).toEqual([])
  expect(backend.peak()).toBe(1)
}

/** What came while there was no database is in it now: a hub that dies takes nothing with it. */
export const expectNextHubResumes = async (tabs: Tab[], backend: Backend) => {
  await tabs[0]!.committed()
  await expectNextHubGoesOn(tabs, backend)
}
