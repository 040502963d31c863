import { describe, expect, it } from 'vitest'
import manifest from '../../../../package.json' with { type: 'json' }
import { makeReport, pageOf, redact, redactText } from '../../../../src/inspector/report.ts'
import type { Snapshot } from '../../../../src/inspector/snapshot.ts'
import type { Inspected } from '../../../../src/stream.ts'
import { createTestStream } from '../../../../src/testing.ts'

const JWT = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'
const around = {
  now: 0,
  href: 'https://app.test/novels/7?draft=secret-draft#access_token=secret-fragment',
  userAgent: 'Browser/1',
  visibility: 'visible',
  online: true,
}
const unseen = (stream: Inspected): Snapshot => ({
  at: 0,
  status: stream.status,
  inspection: null,
  metrics: null,
  problem: '',
})

describe('I4 a report', () => {
  it('A1 has no query value, credential of a URL, bearer token or JWT in any of its text', () => {
    const cases: [string, string][] = [
      ['https://x/s?token=abc&n=1#f', 'https://x/s?token=[redacted]&n=[redacted]#f'],
      ['tabstream:ann@https://x/s?k=v', 'tabstream:ann@https://x/s?k=[redacted]'],
      ['see /s?key=a%20b for it', 'see /s?key=[redacted] for it'],
      ['https://ann:pass@x/s', 'https://[redacted]@x/s'],
      ['Authorization: Bearer abc.def-_~+/=', 'Authorization: Bearer [redacted]'],
      [`the token ${JWT}, refused`, 'the token [redacted], refused'],
      ['is it open? a = b', 'is it open? a = b'],
      ['7f3a-12', '7f3a-12'],
    ]
    for (const [text, safe] of cases) expect(redactText(text)).toBe(safe)
  })

  it('A1 redacts however deep it lies, in names as well, and leaves what is no text alone', () => {
    const value = { a: [{ b: `x ${JWT}` }], n: 1, no: null, yes: true, [`type ${JWT}`]: 2 }
    expect(redact(value)).toEqual({
      a: [{ b: 'x [redacted]' }],
      n: 1,
      no: null,
      yes: true,
      'type [redacted]': 2,
    })
  })

  it('A1 names the page without query values and fragment', () => {
    expect(pageOf(around.href)).toBe('https://app.test/novels/7?draft=[redacted]')
  })

  it('says what a bug needs: version, status, inspection, metrics, page; and asks for time line and heads, for no payload', async () => {
    const { stream } = createTestStream()
    const asked: unknown[] = []
    const inspected: Inspected = {
      ...stream,
      status: stream.status,
      inspect: (what) => {
        asked.push(what)
        return stream.inspect(what)
      },
    }
    const report = JSON.parse(await makeReport(inspected, unseen(stream), around))
    expect(report).toMatchObject({
      tabstream: manifest.version,
      at: '1970-01-01T00:00:00.000Z',
      problem: '',
      status: { state: 'open' },
      inspection: { key: 'test', timeline: [], heads: [], log: { head: 0 } },
      metrics: { connectionsSuccessful: 1 },
      page: { url: 'https://app.test/novels/7?draft=[redacted]', userAgent: 'Browser/1', online: true },
    })
    expect(report.inspection).not.toHaveProperty('data')
    expect(asked).toEqual([{ timeline: 200, heads: { last: 50 } }])
  })

  it('of a stream that does not answer says why, and what was seen last', async () => {
    const { stream } = createTestStream()
    const inspection = await stream.inspect()
    const dead: Inspected = {
      ...stream,
      status: { ...stream.status, state: 'failed' },
      inspect: () => Promise.reject(new Error(`The stream is failed. Bearer ${JWT}`)),
    }
    const report = JSON.parse(await makeReport(dead, { ...unseen(stream), inspection }, around))
    expect(report).toMatchObject({
      problem: 'The stream is failed. Bearer [redacted]',
      status: { state: 'failed' },
      inspection: { key: 'test' },
      metrics: null,
    })
  })
})
