import { createStreams, expect, frame, openStream, RETRY, test } from './fixtures.ts'

const said = (id: string, n: number) => `id: ${id}\nevent: lamp\ndata: {"n":${n}}\n\n`

test('D3 within one connection the same id and data twice are two events', async ({ serve, visit }) => {
  const server = await serve({
    '/stream': (_request, response) =>
      openStream(response, RETRY + said('on', 1) + said('off', 0) + said('on', 1) + frame(7)),
  })
  const tab = await visit(server)
  await tab.received(7)
  expect(await tab.numbers()).toEqual([1, 0, 1, 7])
  expect((await tab.metrics()).duplicatesDropped).toBe(0)
})

test('D3 what a resumed connection sends again is dropped up to its first new event, and what repeats after it is not', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({
    '/stream': ({ headers }, response) => {
      const first = said('on', 1) + said('off', 0)
      const again = first + said('dim', 5) + said('on', 1) + said('off', 0) + frame(7)
      streams.open(response, RETRY + (headers['last-event-id'] === undefined ? first : again))
    },
  })
  const tab = await visit(server)
  await tab.received(0)
  streams.end()
  await tab.received(7)
  expect(await tab.numbers()).toEqual([1, 0, 5, 1, 0, 7])
  expect((await tab.metrics()).duplicatesDropped).toBe(2)
})

test('D3 with `dedupe: false` what a resumed connection sends again is delivered again', async ({
  serve,
  visit,
}) => {
  const streams = createStreams()
  const server = await serve({
    '/stream': ({ headers }, response) =>
      streams.open(response, RETRY + frame(1) + (headers['last-event-id'] === undefined ? '' : frame(2))),
  })
  const tab = await visit(server, { connect: { dedupe: false } })
  await tab.received(1)
  streams.end()
  await tab.received(2)
  expect(await tab.numbers()).toEqual([1, 1, 2])
})
