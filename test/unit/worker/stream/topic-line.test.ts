import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createParser, type Parser } from '../../../../worker/stream/parser.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const blocksOf = (chunks: Uint8Array[], hasTopics = true) => {
  const parser: Parser = createParser('', 1_000, hasTopics)
  return chunks.flatMap((chunk) => parser.push(chunk).blocks)
}

interface Named {
  givenId: string | null
  type: string | null
  data: string
  topic: string | null
}

/** What R7 says, line by line, over a text that is not cut. */
const reference = (text: string): Named[] => {
  const named: Named[] = []
  const begin = () => ({
    id: null as string | null,
    type: '',
    data: [] as string[],
    topic: null as string | null,
  })
  let block = begin()
  for (const line of text.split(/\r\n|\n|\r/).slice(0, -1)) {
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/su.exec(line)!
    if (line === '') {
      const { id: givenId, data, type, topic } = block
      if (data.length > 0) named.push({ givenId, type: type || 'message', data: data.join('\n'), topic })
      else if (givenId !== null) named.push({ givenId, type: null, data: '', topic })
      block = begin()
    } else if (line.startsWith(': topic ') && line.length <= 208) block.topic = line.slice(8)
    else if (field === 'data') block.data.push(value ?? '')
    else if (field === 'event') block.type = value ?? ''
    else if (field === 'id' && !value?.includes('\0')) block.id = value ?? ''
  }
  return named
}

describe('R7 a comment `: topic NAME` names the topic of its block', () => {
  const line = fc.oneof(
    fc.constantFrom(
      ...['', '', '', 'data: x', 'data:', 'data', 'id: 1', 'id: 2', 'event: m', ': ping', ':', ': ', ': t'],
      ...[': topic', ': topic ', ': topic a', ': topic chat/1', ':topic b', 'data: : topic z', 'topic: q'],
      ...[
        ': topics',
        'x: topic n',
        ': topic  a ',
        `: topic ${'y'.repeat(200)}`,
        `: topic ${'y'.repeat(201)}`,
      ],
    ),
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => `: topic ${text.replace(/[\r\n]/g, '')}`),
  )
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 30 })
    // Half of a surrogate pair is no UTF-8.
    .map((lines) => `${lines.flat().join('')}\n\n`.replace(/\p{Surrogate}/gu, ''))

  it('in any text, however it is cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, cuts) => {
        const bytes = encode(text)
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, index) => bytes.slice(at[index], end))
        const found = blocksOf(chunks).map(({ id: _, ...block }) => block)
        expect(found).toEqual(reference(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it('at each of its cuts', () => {
    const bytes = encode('id: 7\n: topic chat/é\ndata: x\n\n')
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(blocksOf([bytes.slice(0, cut), bytes.slice(cut)]), `cut at ${cut}`).toEqual([
        { givenId: '7', id: '7', type: 'message', data: 'x', topic: 'chat/é' },
      ])
  })

  it('and of no other block', () => {
    const text = ': topic a\ndata: 1\n\n: topic b\n\ndata: 2\n\n'
    expect(blocksOf([encode(text)]).map(({ data, topic }) => [data, topic])).toEqual([
      ['1', 'a'],
      ['2', null],
    ])
  })

  it('and is a comment like any other where the stream has no topics', () => {
    const text = ': topic a\ndata: 1\n\n'
    expect(blocksOf([encode(text)], false)).toMatchObject([{ data: '1', topic: null }])
  })

  it('B1 a comment without an end is not held', () => {
    const parser = createParser('', 1_000, true)
    const piece = encode('y'.repeat(1_000))
    parser.push(encode(': topic '))
    for (let sent = 0; sent < 1_000; sent++) parser.push(piece)
    expect(parser.push(encode('\ndata: x\n\n')).blocks).toMatchObject([{ data: 'x', topic: null }])
  })

  it('S3 is no sign of life of its own beside an event', () => {
    expect(createParser('', 1_000, true).push(encode('id: 1\n: topic a\n')).comments).toBe(0)
  })
})
