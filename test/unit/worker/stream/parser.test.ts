import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createParser } from '../../../../worker/stream/parser.ts'

interface Case {
  name: string
  chunks: string[]
  expect: { events: { event: string; data: string; id: string }[]; retry: number | null; lastEventId: string }
}

const cases: Case[] = JSON.parse(
  readFileSync(new URL('../../../conformance/sse-cases.json', import.meta.url), 'utf8'),
)

const run = (chunks: Uint8Array[], limit = 64 * 1024 * 1024): Case['expect'] => {
  const parser = createParser('', limit)
  const outcome: Case['expect'] = { events: [], retry: null, lastEventId: '' }
  for (const chunk of chunks) {
    const { blocks, retry } = parser.push(chunk)
    if (retry !== null) outcome.retry = retry
    for (const block of blocks) {
      if (block.position !== null) outcome.lastEventId = block.position
      if (block.type !== null) outcome.events.push({ event: block.type, data: block.data, id: block.id })
    }
  }
  return outcome
}

const join = (chunks: Uint8Array[]) => Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))
const bytewise = (bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte))

describe('S2 parsing follows the HTML Standard, 9.2.6, whatever the chunking', () => {
  it.each(cases)('$name', ({ chunks, expect: expected }) => {
    const given = chunks.map((chunk) => Uint8Array.from(Buffer.from(chunk, 'base64')))
    expect(run(given), 'as given').toEqual(expected)
    expect(run([join(given)]), 'as one chunk').toEqual(expected)
    if (join(given).length < 200_000) expect(run(bytewise(join(given))), 'byte by byte').toEqual(expected)
  })

  it('gives the same events for any chunking of any stream', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '',
        'data',
        'data:',
        'id',
        'id: 7',
        'event: a',
        'retry: 50',
        ': c',
        'retry: x',
        'id: a\0b',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => `data: ${text}`),
    )
    const stream = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 40 })
      .map((lines) => new TextEncoder().encode(lines.flat().join('')))
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (bytes, cuts) => {
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, index) => bytes.slice(at[index], end))
        expect(run(chunks)).toEqual(run([bytes]))
        expect(run(bytewise(bytes))).toEqual(run([bytes]))
      }),
      { numRuns: 500 },
    )
  })
})

describe('B1 an event past the limit', () => {
  const encode = (text: string) => new TextEncoder().encode(text)
  const stream = encode(`id: 1\ndata: ok\n\nid: 2\ndata: ${'x'.repeat(200)}\n\nid: 3\ndata: after\n\n`)

  it.each([
    ['in one chunk', [stream]],
    ['byte by byte', bytewise(stream)],
    [
      'as many lines',
      [encode(`id: 1\ndata: ok\n\nid: 2\n${'data: xxxx\n'.repeat(50)}\nid: 3\ndata: after\n\n`)],
    ],
  ])('ends the blocks before it: %s', (_, chunks) => {
    const parser = createParser('', 100)
    const ids: string[] = []
    for (const chunk of chunks) {
      const { blocks, tooLarge } = parser.push(chunk)
      ids.push(...blocks.map((block) => block.id))
      if (tooLarge) break
    }
    expect(ids).toEqual(['1'])
  })
})
