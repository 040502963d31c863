import { defineConfig } from 'playwright/test'
import { launchWith } from './browsers.ts'

export default defineConfig({
  testDir: './browser',
  outputDir: './results/playwright',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // A flaky test is a bug in the library or in the test: a retry would hide it.
  retries: 0,
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  reporter: [['list'], ['json', { outputFile: './results/playwright.json' }]],
  projects: [
    // What only one engine can be driven to has a folder of its own.
    { name: 'chromium', use: launchWith('chromium'), testIgnore: '**/firefox/**' },
    { name: 'firefox', use: launchWith('firefox'), testIgnore: '**/chromium/**' },
  ],
})
