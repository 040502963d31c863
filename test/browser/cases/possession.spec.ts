import type { IncomingMessage, ServerResponse } from 'node:http'
import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose'
import { createStreams, eventually, expect, frame, test } from './fixtures.ts'

const NONCE = 'a-nonce'

/** @returns the key by which the request proves itself, and its nonce */
const proofOf = async ({ headers, method }: IncomingMessage, url: string) => {
  const proof = String(headers.dpop)
  const { jwk } = decodeProtectedHeader(proof)
  const { payload } = await jwtVerify(proof, await importJWK(jwk as JWK, 'ES256'), { typ: 'dpop+jwt' })
  expect(payload).toMatchObject({ htm: method, htu: url })
  expect(payload.ath).toBeTruthy()
  return { key: JSON.stringify(jwk), nonce: payload.nonce }
}

const json = (response: ServerResponse, value: unknown) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))

test('A7 possession of a key is proved with each exchange and each stream, over workers, until sign-out', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const keys = { exchange: [] as string[], stream: [] as string[] }
  let origin = ''
  const server = await serve({
    '/token': async (request, response) => {
      const { key } = await proofOf(request, `${origin}/token`)
      keys.exchange.push(key)
      json(response, {
        sse_token: `of ${keys.exchange.length}`.replace(' ', '-'),
        token_type: 'DPoP',
        expires_in: 600,
      })
    },
    '/stream': async (request, response) => {
      const { key, nonce } = await proofOf(request, `${origin}/stream`)
      if (!/^DPoP of-\d$/.test(String(request.headers.authorization)) || nonce !== NONCE)
        return void response.writeHead(401, { 'dpop-nonce': NONCE }).end()
      keys.stream.push(key)
      streams.open(response)
    },
  })
  origin = new URL(server.url).origin
  const start = { exchange: '/token', token: 'access', dpop: true }
  const tab = await visit(server, start)
  await tab.until('open')
  streams.write(frame(1))
  await tab.received(1)
  await tab.page.close()
  await eventually(() => streams.count()).toBe(0)

  const next = await visit(server, start)
  await next.until('open')
  expect(keys.exchange.length).toBeGreaterThan(0)
  expect(new Set([...keys.exchange, ...keys.stream]).size).toBe(1)
  expect((await next.record()).errors).toEqual([])

  await next.page.evaluate(() => window.stream.signOut())
  const after = await visit(server, start)
  await after.until('open')
  expect(keys.stream.at(-1)).not.toBe(keys.stream[0])
})
