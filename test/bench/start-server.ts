import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Question, Send, Usage } from './event-server.ts'

export type Server = Awaited<ReturnType<typeof startServer>>

/** Starts event-server.ts in a process of its own. */
export const startServer = async () => {
  const child = fork(fileURLToPath(new URL('./event-server.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
  })
  const pending = new Map<number, (result: unknown) => void>()
  let last = 0
  const urls = await new Promise<{ http: string; https: string }>((resolve, reject) => {
    child.once('message', resolve as (message: unknown) => void)
    child.once('exit', () => reject(new Error('The server of the bench does not start.')))
  })
  child.on('message', ({ id, result }: { id: number; result: unknown }) => {
    pending.get(id)?.(result)
    pending.delete(id)
  })
  const ask = <T>(question: Question) =>
    new Promise<T>((resolve) => {
      pending.set(++last, resolve as (result: unknown) => void)
      child.send({ id: last, ...question })
    })
  return {
    pid: child.pid!,
    /** `secure`: over HTTP/2. */
    url: (secure: boolean) => (secure ? urls.https : urls.http),
    streams: (run: string) => ask<number>({ what: 'streams', run }),
    asked: (run: string) => ask<number>({ what: 'asked', run }),
    /** @returns when it began, in ms since 1970 */
    send: (send: Send) => ask<number>({ what: 'send', ...send }),
    usage: () => ask<Usage>({ what: 'usage' }),
    end: (run: string) => ask<boolean>({ what: 'end', run }),
    close: () => child.disconnect(),
  }
}
