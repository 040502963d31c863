import { connect } from 'node:net'
import Fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { limitBodies } from '../../../demo/server/http/request-bodies.ts'
import { until } from '../../until.ts'

const app = Fastify()
afterEach(() => app.close())

it('N11 clients that go while the server asks who they are keep no place of those that are read', async () => {
  app.decorateRequest('user', null)
  /** Requests whose sender is being asked for, as by a Redis that is slow. */
  const asked: (() => void)[] = []
  app.addHook('onRequest', async ({ headers }) => {
    if (headers['x-wait']) await new Promise<void>((resolve) => asked.push(resolve))
  })
  limitBodies(app, { bodyTimeout: 60_000 })
  app.post('/', async () => 'read')
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const { port, hostname } = new URL(address)

  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nX-Wait: 1\r\nContent-Length: 9'
  const sockets = Array.from({ length: 70 }, () => {
    const socket = connect(Number(port), hostname)
    socket.write(`${head}\r\n\r\nhalf`)
    return socket
  })
  await until('the server asks who they are', () => asked.length === sockets.length)
  for (const socket of sockets) socket.destroy()
  await until('all have gone', async () => {
    const open = await new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)))
    return open === 0
  })
  for (const go of asked) go()

  const answer = await fetch(address, {
    method: 'POST',
    body: 'whole',
    headers: { 'Content-Type': 'text/plain' },
  })
  expect([answer.status, await answer.text()]).toEqual([200, 'read'])
})
