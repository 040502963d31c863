import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { createRequestLog } from '../../../demo/server/debug/request-log.ts'
import { until } from '../../until.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('the log of requests keeps a line of an answer that is over, not the answer', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  const requests = createRequestLog(app, Date.now)
  const answers: WeakRef<object>[] = []
  app.addHook('onRequest', async (_, reply) => void answers.push(new WeakRef(reply.raw)))
  app.get('/api/v1/events/stream', async (_, reply) => reply.code(418).send('over'))
  const url = await app.listen({ port: 0 })

  const headers = { authorization: 'Bearer none', connection: 'close' }
  await (await fetch(`${url}/api/v1/events/stream`, { headers })).text()
  await until('the answer is collected', () => {
    collectGarbage()
    return answers[0]!.deref() === undefined
  })
  expect(requests.read()).toMatchObject([{ url: '/api/v1/events/stream', status: 418 }])
})
