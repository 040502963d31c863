/** ms until a SharedWorker that does nothing else has answered: what nobody can be faster than. */
export const bareWorker = async (run: string): Promise<number> => {
  const startedAt = performance.now()
  const { port } = new SharedWorker(new URL('./workers/bare.ts', import.meta.url), {
    type: 'module',
    name: run,
  })
  await new Promise((answered) => {
    port.onmessage = answered
    port.postMessage('hello')
  })
  return performance.now() - startedAt
}
