import { type ChildProcess, spawn } from 'node:child_process'
import type { WebKitPrograms } from '../browsers.ts'
import { freePort } from '../free-port.ts'
import { until } from '../until.ts'

const end = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

/** A screen that nobody sees; the X server itself picks a free number, and says which. */
const startScreen = async (xvfb: string) => {
  const child = spawn(xvfb, ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const number = await new Promise<string>((resolve, reject) => {
    child.stdio[3]!.once('data', (chunk) => resolve(String(chunk).trim()))
    child.on('error', reject)
    child.on('exit', () => reject(new Error('Xvfb does not start')))
  })
  return { display: `:${number}`, close: () => end(child) }
}

/**
 * WebKitGTK over W3C WebDriver, by plain fetch: the few commands that the tests need are no reason for a
 * dependency. The driver takes one command at a time, so they queue.
 */
export const startWebKit = async ({ driver, browser, xvfb }: WebKitPrograms) => {
  const screen = await startScreen(xvfb)
  const port = await freePort()
  const child = spawn(driver, ['--host=127.0.0.1', `--port=${port}`], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: screen.display },
  })
  const base = `http://127.0.0.1:${port}`
  await until('the driver listens', () =>
    fetch(`${base}/status`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )

  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = queue.then(run)
    queue = turn.catch(() => {})
    return turn
  }
  const command = async (method: 'POST' | 'GET' | 'DELETE', path: string, body: object = {}) => {
    const response = await fetch(base + path, {
      method,
      ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(30_000),
    })
    const { value } = (await response.json()) as { value: { message?: string; error?: string } }
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`)
    return value as unknown
  }

  /** A browser with a profile of its own, which is gone with it. */
  const startSession = async () => {
    const options = { binary: browser, args: ['--automation'] }
    const { sessionId } = (await command('POST', '/session', {
      capabilities: {
        alwaysMatch: { browserName: 'MiniBrowser', 'webkitgtk:browserOptions': options },
      },
    })) as { sessionId: string }
    const path = `/session/${sessionId}`
    const windows = new Set((await command('GET', `${path}/window/handles`)) as string[])
    const switchTo = (handle: string) => command('POST', `${path}/window`, { handle })

    const openWindow = async () => {
      const { handle } = (await inTurn(() => command('POST', `${path}/window/new`, { type: 'tab' }))) as {
        handle: string
      }
      windows.add(handle)
      const there = (run: () => Promise<unknown>) =>
        inTurn(async () => {
          await switchTo(handle)
          return run()
        })
      return {
        goto: (url: string) => there(() => command('POST', `${path}/url`, { url })),
        reload: () => there(() => command('POST', `${path}/refresh`)),
        back: () => there(() => command('POST', `${path}/back`)),
        /** The function runs in the page: it knows its arguments, and nothing else of what is around it. */
        evaluate: async <A extends unknown[], R>(
          run: (...args: A) => R | Promise<R>,
          ...args: A
        ): Promise<R> => {
          // tsx wraps inner functions in a call to `__name`, a helper that only its own module has.
          const script = `const __name = (named) => named
            const done = arguments[arguments.length - 1]
            Promise.resolve().then(() => (${run})(...arguments[0])).then(
              (value) => done({ value }), (error) => done({ error: String(error) }))`
          const answer = (await there(() =>
            command('POST', `${path}/execute/async`, { script, args: [args] }),
          )) as { value?: R; error?: string }
          if (answer.error !== undefined) throw new Error(answer.error)
          return answer.value as R
        },
        close: () =>
          inTurn(async () => {
            await switchTo(handle)
            await command('DELETE', `${path}/window`)
            windows.delete(handle)
            // The next command must find a window that lives.
            await switchTo([...windows][0]!)
          }),
      }
    }
    return { openWindow, close: () => inTurn(() => command('DELETE', path)) }
  }

  return {
    startSession,
    async close() {
      await end(child)
      await screen.close()
    },
  }
}

export type WebKit = Awaited<ReturnType<typeof startWebKit>>
export type Session = Awaited<ReturnType<WebKit['startSession']>>
