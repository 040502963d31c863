import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { chromium } from 'playwright'
import { launchWith } from '../browsers.ts'
import type { BenchBrowser, BenchTab } from './browser.ts'
import { type CpuProfile, selfTimes } from './cpu-profile.ts'
import { cpuByKind, cpuOf } from './processes.ts'

export interface Chromium extends BenchBrowser {
  /** ms of CPU by kind of process. */
  cpuByKind(): Map<string, number>
  /** Profiles the SharedWorker, until what it resolves to is called: ms by function, the dearest first. */
  profileWorker(): Promise<() => Promise<[name: string, ms: number][]>>
}

/**
 * Chromium over its DevTools pipe, with no domain on that listens to the page: under Playwright, which listens to
 * every SSE message, a native EventSource is eleven times slower than it is.
 */
export const startChromium = async (): Promise<Chromium> => {
  const profile = await mkdtemp(join(tmpdir(), 'tabstream-bench-'))
  const { launchOptions } = launchWith('chromium')
  const child = spawn(
    launchOptions?.executablePath ?? chromium.executablePath(),
    [
      ...(launchOptions?.args ?? []),
      '--headless',
      '--ignore-certificate-errors',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true },
  )
  const gone = new Promise((resolve) => child.on('exit', resolve))
  const kill = () => process.kill(-child.pid!, 'SIGKILL')
  process.once('exit', kill)
  const [, , , to, from] = child.stdio as unknown as [null, null, null, Writable, Readable]

  const pending = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  let last = 0
  let text = ''
  from.setEncoding('utf8')
  from.on('data', (chunk: string) => {
    const messages = (text + chunk).split('\0')
    text = messages.pop()!
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message)
      if (error) pending.get(id)?.reject(new Error(error.message))
      else pending.get(id)?.resolve(result)
      pending.delete(id)
    }
  })
  const send = (method: string, params: object = {}, sessionId?: string) =>
    // biome-ignore lint/suspicious/noExplicitAny: what the DevTools answer is theirs to say
    new Promise<any>((resolve, reject) => {
      pending.set(++last, { resolve, reject })
      to.write(`${JSON.stringify({ id: last, method, params, ...(sessionId ? { sessionId } : {}) })}\0`)
    })

  const attach = async (targetId: string): Promise<string> =>
    (await send('Target.attachToTarget', { targetId, flatten: true })).sessionId

  const evaluateIn = async <T>(session: string, expression: string): Promise<T> => {
    const asked = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await send('Runtime.evaluate', asked, session)
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  const heapOf = async (session: string): Promise<number> => {
    await send('HeapProfiler.collectGarbage', {}, session)
    return (await send('Runtime.getHeapUsage', {}, session)).usedSize
  }

  const workerTarget = async (): Promise<string> => {
    const { targetInfos } = await send('Target.getTargets')
    const worker = targetInfos.find(({ type }: { type: string }) => type === 'shared_worker')
    if (worker === undefined) throw new Error('There is no SharedWorker.')
    return worker.targetId
  }

  return {
    cpu: () => cpuOf(child.pid!),
    cpuByKind: () => cpuByKind(child.pid!),
    async profileWorker() {
      const session = await attach(await workerTarget())
      await send('Profiler.enable', {}, session)
      await send('Profiler.setSamplingInterval', { interval: 200 }, session)
      await send('Profiler.start', {}, session)
      return async () => {
        const { profile } = (await send('Profiler.stop', {}, session)) as { profile: CpuProfile }
        await send('Target.detachFromTarget', { sessionId: session })
        return selfTimes(profile)
      }
    },
    async openTab(url): Promise<BenchTab> {
      // A window each: a tab behind another would be hidden, and its timers late.
      const { targetId } = await send('Target.createTarget', { url: 'about:blank', newWindow: true })
      const session = await attach(targetId)
      await send('Performance.enable', {}, session)
      await send('Page.navigate', { url }, session)
      for (;;) {
        const ready = await evaluateIn(session, 'window.bench !== undefined').catch(() => false)
        if (ready) break
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return {
        evaluate: (expression) => evaluateIn(session, expression),
        heap: () => heapOf(session),
        async mainThread() {
          const { metrics } = await send('Performance.getMetrics', {}, session)
          return metrics.find(({ name }: { name: string }) => name === 'TaskDuration').value * 1_000
        },
        async close() {
          await send('Target.closeTarget', { targetId })
        },
      }
    },
    async workerWakeUps() {
      const session = await attach(await workerTarget())
      const count = await evaluateIn<number>(session, 'wakeUps.count')
      await send('Target.detachFromTarget', { sessionId: session })
      return count
    },
    async endWorkers() {
      const { targetInfos } = await send('Target.getTargets')
      for (const { type, targetId } of targetInfos)
        if (type === 'shared_worker') await send('Target.closeTarget', { targetId })
      return true
    },
    async workerHeap() {
      const session = await attach(await workerTarget())
      const heap = await heapOf(session)
      await send('Target.detachFromTarget', { sessionId: session })
      return heap
    },
    async close() {
      await send('Browser.close').catch(() => {})
      const late = setTimeout(kill, 2_000)
      await gone
      clearTimeout(late)
      process.off('exit', kill)
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
