import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port that nobody listens at, for a program that can't be asked for the one that it got. */
export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
