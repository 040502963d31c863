import type { Browser, CDPSession } from 'playwright/test'

interface Answer {
  id: number
  result: Record<string, never>
  error?: { message: string }
}

/** The targets of the SharedWorkers that a browser runs. @throws Error there is none */
export const sharedWorkers = async (devtools: CDPSession): Promise<string[]> => {
  const { targetInfos } = await devtools.send('Target.getTargets')
  const workers = targetInfos.filter(({ type }) => type === 'shared_worker')
  if (workers.length === 0) throw new Error('No SharedWorker runs.')
  return workers.map(({ targetId }) => targetId)
}

/**
 * DevTools of the one SharedWorker that a browser runs: Playwright shows none of it. Through the browser's
 * own session, whose commands for a target travel inside of its messages.
 */
export const openWorkerDevtools = async (browser: Browser) => {
  const devtools = await browser.newBrowserCDPSession()
  const [targetId, ...others] = await sharedWorkers(devtools)
  if (others.length > 0) throw new Error(`${1 + others.length} SharedWorkers run, not one`)
  const { sessionId } = await devtools.send('Target.attachToTarget', {
    targetId: targetId!,
    flatten: false,
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  devtools.on('Target.receivedMessageFromTarget', ({ message, sessionId: from }) => {
    const answer = JSON.parse(message) as Answer
    if (from === sessionId) waiting.get(answer.id)?.(answer)
  })
  let ids = 0
  // biome-ignore lint/suspicious/noExplicitAny: Playwright's types of the commands are a page session's own.
  const send = async (method: string, params: object = {}): Promise<any> => {
    const id = ++ids
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    await devtools.send('Target.sendMessageToTarget', {
      sessionId,
      message: JSON.stringify({ id, method, params }),
    })
    const { result, error } = await answered
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }

  return {
    /** Bytes in use, after the garbage is collected. */
    async heap(): Promise<number> {
      await send('HeapProfiler.collectGarbage')
      return (await send('Runtime.getHeapUsage')).usedSize
    },
    /** Objects of a class of the platform that are reachable. */
    async count(className: string): Promise<number> {
      const { result } = await send('Runtime.evaluate', { expression: `${className}.prototype` })
      const { objects } = await send('Runtime.queryObjects', { prototypeObjectId: result.objectId })
      const counted = await send('Runtime.callFunctionOn', {
        objectId: objects.objectId,
        functionDeclaration: 'function () { return this.length }',
        returnByValue: true,
      })
      await send('Runtime.releaseObject', { objectId: objects.objectId })
      return counted.result.value
    },
    close: () => devtools.detach(),
  }
}
