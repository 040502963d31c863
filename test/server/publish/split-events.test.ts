import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEventSplitter } from '../../../demo/server/publish/split-events.ts'

const limits = { eventBytes: 1_000, bodyBytes: 100_000, events: 5, depth: 8 }

/** What the splitter makes of a body that comes in parts of such lengths, over and over. */
const split = (text: string, lengths: readonly number[] = [1_000], bounds = limits) => {
  const bytes = Buffer.from(text)
  const splitter = createEventSplitter(bounds)
  const texts: string[] = []
  for (let at = 0, part = 0; at < bytes.length; part++) {
    const length = lengths[part % lengths.length]!
    const found = splitter.push(bytes.subarray(at, at + length))
    if (!Array.isArray(found)) return found
    texts.push(...found)
    at += length
  }
  const last = splitter.end()
  return Array.isArray(last) ? [...texts, ...last] : last
}

test('any JSON, in parts of any length, is split into just its values', () => {
  const wide = { eventBytes: 1e6, bodyBytes: 1e6, events: 1_000, depth: 100 }
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(undefined, 1, '\t\r\n '),
      (values, lengths, space) => {
        const texts = split(JSON.stringify(values, null, space), lengths, wide) as string[]
        expect(texts.map((text) => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(values)))
        const [first = null] = values
        if (!Array.isArray(first)) {
          const one = split(` ${JSON.stringify(first, null, space)} `, lengths, wide) as string[]
          expect(one.map((text) => JSON.parse(text))).toEqual([JSON.parse(JSON.stringify(first))])
        }
      },
    ),
    { numRuns: 500 },
  )
})

test.each([
  ['an array that does not end', '[1,2', 'malformed'],
  ['nothing', '', 'malformed'],
  ['white space', ' \n', 'malformed'],
  ['something behind the array', '[1] 2', 'malformed'],
  ['a bracket too many', '[1]]', 'malformed'],
  ['a bracket too many, of one value', '1]', 'malformed'],
  ['a sixth event', '[1,2,3,4,5,6]', 'too_many'],
  ['nine levels', '[[[[[[[[[[1]]]]]]]]]]', 'too_deep'],
  ['a string without an end', `["${'x'.repeat(2_000)}`, 'event_too_large'],
  ['more bytes than a body may have', '[1,1,1]'.padEnd(200_000), 'body_too_large'],
] as const)('refused: %s', (_, text, reason) => {
  expect(split(text)).toMatchObject({ reason })
})

test.each([
  ['at the limits of events and depth', '[1,2,3,4,[[[[[[[[5]]]]]]]]]', 5],
  ['brackets within strings', '["[[[[[[[[[[[","\\"]]]","\\\\"]', 3],
  ['no event', '[]', 0],
])('taken: %s', (_, text, count) => {
  expect(split(text)).toHaveLength(count)
})
