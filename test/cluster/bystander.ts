import type { Cluster } from './cluster.ts'
import { startNode } from './nodes.ts'

/** Opens a stream without a `Stream-Client`: nothing tells that it comes of the same browser. */
const openStream = async (url: string, token: string) => {
  const abort = new AbortController()
  const response = await fetch(`${url}/api/v1/events/stream`, {
    headers: { Authorization: `Bearer ${token}` },
    signal: abort.signal,
  })
  // Whoever lets go of the response lets the garbage collector close it.
  return { response, status: response.status, close: () => abort.abort() }
}

/**
 * A fourth node is killed with both places of a user. Asks at another node from then on, until there is a place.
 *
 * @returns how long that took
 */
export const bystander = async (cluster: Cluster): Promise<string> => {
  const token = await cluster.tokenFor('bystander', 'sse')
  const doomed = await startNode(cluster.nodeOptions)
  const streams = [await openStream(doomed.url, token), await openStream(doomed.url, token)]
  // Held on to until here, or they would be closed before the node is killed.
  // Right after a renewal a place lasts longest.
  await new Promise((done) => setTimeout(done, 16_500))
  if (streams.some(({ status }) => status !== 200)) throw new Error('The first two streams were refused')
  await doomed.close()
  const killed = Date.now()
  for (let refused = 0; ; refused++) {
    // Redis may just be away: that is no answer to this.
    const { status, close } = await openStream(cluster.nodes[0]!.url, token).catch(() => ({
      status: 503,
      close: () => {},
    }))
    const seconds = (Date.now() - killed) / 1_000
    if (status === 200) {
      close()
      if (refused === 0) throw new Error('The places were free at once: nobody held them')
      return `${seconds.toFixed(1)} s after the kill, refused ${refused} times before`
    }
    if (seconds > 41) throw new Error(`Still ${status} after ${seconds.toFixed(1)} s`)
    await new Promise((done) => setTimeout(done, 250))
  }
}
