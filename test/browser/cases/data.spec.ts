import { expect, firstError, frame, openStream, RETRY, range, test } from './fixtures.ts'

test('D8 an event without content is delivered as null, and data that is no JSON is an error that says how to take text', async ({
  serve,
  visit,
}) => {
  const server = await serve({
    '/stream': (_request, response) =>
      openStream(
        response,
        `${RETRY}id: 1\nevent: refresh\ndata:\n\nid: 2\nevent: done\ndata: [DONE]\n\n${frame(3)}`,
      ),
  })
  const tab = await visit(server, { keepPayloads: true })
  await tab.received(3)
  const { payloads, errors } = await tab.record()
  expect(payloads).toEqual([null, { n: 3 }])
  expect(errors.map(({ kind }) => kind)).toEqual(['validation'])
  expect(errors[0]!.message).toContain('done')
  expect(errors[0]!.message).toMatch(/parse: (String|text)/)
})

test('D8 data of one type that does not parse is told once, and then counted', async ({ serve, visit }) => {
  const server = await serve({
    '/stream': (_request, response) => {
      openStream(response, RETRY)
      for (const n of range(1, 100)) response.write(`id: ${n}\nevent: log\ndata: line ${n}\n\n`)
      response.write(frame(101))
    },
  })
  const tab = await visit(server)
  await tab.received(101)
  expect((await firstError(tab)).kind).toBe('validation')
  expect((await tab.record()).errors).toHaveLength(1)
})
