import { readFileSync } from 'node:fs'
import { createParser as createOracle } from 'eventsource-parser'
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
  const parser = createParser('', limit, false)
  const outcome: Case['expect'] = { events: [], retry: null, lastEventId: '' }
  for (const chunk of chunks) {
    const { blocks, retry } = parser.push(chunk)
    if (retry !== null) outcome.retry = retry
    for (const block of blocks) {
      if (block.givenId !== null) outcome.lastEventId = block.givenId
      if (block.type !== null) outcome.events.push({ event: block.type, data: block.data, id: block.id })
    }
  }
  return outcome
}

/** Another parser's account. It is given the BOM that it looks for, since it would also strip the text of one. */
const oracle = (bytes: Uint8Array): Case['expect'] => {
  const outcome: Case['expect'] = { events: [], retry: null, lastEventId: '' }
  const parser = createOracle({
    onId: (id) => {
      outcome.lastEventId = id
    },
    onEvent: ({ event = 'message', data }) => outcome.events.push({ event, data, id: outcome.lastEventId }),
    onRetry: (ms) => {
      outcome.retry = ms
    },
  })
  parser.feed('\uFEFF')
  parser.feed(new TextDecoder().decode(bytes))
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

  it('gives the events that eventsource-parser gives, for any chunking of any stream', () => {
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
        expect(run([bytes])).toEqual(oracle(bytes))
        expect(run(chunks)).toEqual(run([bytes]))
        expect(run(bytewise(bytes))).toEqual(run([bytes]))
      }),
      { numRuns: 500 },
    )
  })
})

describe('B1 an event past the limit', () => {
  const encode = (text: string) => new TextEncoder().encode(text)
  /** What is found of `text`, cut in `cuts` ways, and how often the limit was passed. */
  const found = (text: string, limit: number, chunks: (bytes: Uint8Array) => Uint8Array[]) => {
    const parser = createParser('', limit, false)
    const parsed = chunks(encode(text)).map(parser.push)
    return {
      blocks: parsed.flatMap(({ blocks }) => blocks),
      tooLarge: parsed.reduce((sum, { tooLarge }) => sum + tooLarge, 0),
    }
  }
  const inOne = (bytes: Uint8Array) => [bytes]
  const inPieces = (bytes: Uint8Array) => {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += 37) pieces.push(bytes.slice(at, at + 37))
    return pieces
  }
  const small = (id: string) => ({ givenId: id, id, type: 'message', data: 'ok', topic: null })
  const rest = { givenId: '2', id: '2', type: null, data: '', topic: null, tooLarge: true }

  describe.each([
    ['in one chunk', inOne],
    ['in pieces', inPieces],
    ['byte by byte', bytewise],
  ])('%s', (_, chunks) => {
    it.each([
      ['of one line', `id: 2\ndata: ${'x'.repeat(101)}\n\n`],
      ['whose id comes last', `data: ${'x'.repeat(101)}\nid: 2\n\n`],
      ['of many lines', `id: 2\n${'data: xxxx\n'.repeat(50)}\n`],
      ['of empty lines alone', `id: 2\n${'data\n'.repeat(102)}\n`],
      ['with lines that end with CR', `id: 2\r${'data:xxxx\r'.repeat(50)}\r`],
      ['with lines that end with CR and LF', `id: 2\r\n${'data:xxxx\r\n'.repeat(50)}\r\n`],
      ['by its type', `id: 2\nevent: ${'x'.repeat(101)}\ndata: x\n\n`],
      ['with other fields in it', `retry: 5\nid: 2\ndata: ${'x'.repeat(99)}\n: c\nfoo: bar\ndata: xxx\n\n`],
    ])('is skipped, and its id moves the position: %s', (_, large) => {
      const text = `id: 1\ndata: ok\n\n${large}id: 3\ndata: ok\n\n`
      expect(found(text, 100, chunks)).toEqual({ blocks: [small('1'), rest, small('3')], tooLarge: 1 })
    })

    it('leaves the position where it is, if it has no id', () => {
      const text = `id: 1\ndata: ok\n\ndata: ${'x'.repeat(101)}\n\ndata: after\n\n`
      expect(found(text, 100, chunks).blocks).toEqual([
        small('1'),
        { ...rest, givenId: null, id: '1' },
        { givenId: null, id: '1', type: 'message', data: 'after', topic: null },
      ])
    })

    it.each([
      ['one line', (size: number) => `data: ${'x'.repeat(size)}\n\n`],
      ['no space behind the colon', (size: number) => `data:${'x'.repeat(size)}\n\n`],
      ['two lines', (size: number) => `data: x\ndata: ${'x'.repeat(size - 2)}\n\n`],
      ['empty lines alone', (size: number) => `${'data:\n'.repeat(size + 1)}\n`],
      ['many lines', (size: number) => `${'data: x\n'.repeat(size / 2)}data\n\n`],
      ['characters of two UTF-16 code units', (size: number) => `data: ${'🎈'.repeat(size / 2)}\n\n`],
      [
        'long names around it',
        (size: number) => `event: abc\nid: 7\n: c\ndata: ${'x'.repeat(size)}\nfoo: x\n\n`,
      ],
    ])('is one character longer than the limit, never one as long: %s', (_, event) => {
      expect(found(event(100), 100, chunks).blocks.map(({ data }) => data.length)).toEqual([100])
      expect(found(event(102), 100, chunks).tooLarge).toBe(1)
      expect(found(event(100), 99, chunks).tooLarge).toBe(1)
    })

    it('is told of once, also where it never ends', () => {
      const endless = found(`data: ${'x'.repeat(1_000)}`, 100, chunks)
      expect(endless).toEqual({ blocks: [], tooLarge: 1 })
    })

    it('ids of more than 4 KiB are not adopted: their events come with the id before', () => {
      const long = `id: ${'a'.repeat(4_097)}\ndata: ok\n\n`
      const wide = `id: ${'€'.repeat(1_366)}\ndata: ok\n\n`
      const fits = `id: ${'a'.repeat(4_096)}\ndata: ok\n\n`
      const ids = found(`id: 1\ndata: ok\n\n${long}${wide}${fits}`, 100, chunks).blocks.map(({ id }) => id)
      expect(ids).toEqual(['1', '1', '1', 'a'.repeat(4_096)])
    })
  })

  it('is counted in the same way however it is cut', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '',
        'data',
        'id: 7',
        'event: a',
        ': c',
        `data: ${'x'.repeat(9)}`,
        `event: ${'y'.repeat(11)}`,
      ),
      fc.string({ maxLength: 14 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
    )
    const text = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 40 })
      .map((lines) => lines.flat().join(''))
    fc.assert(
      fc.property(text, (given) => {
        const expected = found(given, 10, inOne)
        expect(found(given, 10, bytewise)).toEqual(expected)
        expect(found(given, 10, inPieces)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
})

describe('S3 comments are told of', () => {
  it.each([
    [[':\n'], [1]],
    [[': a\n: b\ndata: x\n\n'], [2]],
    [
      [':', 'long', ' and longer\n'],
      [1, 0, 0],
    ],
    [['data: :\n\n'], [0]],
  ])('%j: %j', (chunks, comments) => {
    const parser = createParser('', 100, false)
    const counts = chunks.map((chunk) => parser.push(new TextEncoder().encode(chunk)).comments)
    expect(counts).toEqual(comments)
  })
})
