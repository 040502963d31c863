import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../../../worker/stream/transport.ts'
import { judge } from '../../../../worker/stream/verdict.ts'

const NOW = Date.UTC(2026, 0, 1)

const answered = (status: number, headers: Record<string, string> = {}): Outcome => ({
  type: 'answered',
  status,
  contentType: headers['content-type'] ?? '',
  redirected: false,
  headers: new Headers(headers),
})
const judged = (outcome: Outcome) => judge(outcome, NOW)

describe('S6 what an answer means', () => {
  it.each([
    [400, 'lost', 'http'],
    [401, 'unauthorized', 'auth'],
    [403, 'fatal', 'auth'],
    [404, 'lost', 'http'],
    [408, 'lost', 'http'],
    [409, 'lost', 'limit'],
    [410, 'position-lost', 'http'],
    [429, 'lost', 'limit'],
    [500, 'lost', 'http'],
    [502, 'lost', 'http'],
    [503, 'lost', 'http'],
    [504, 'lost', 'http'],
  ])('%i: %s, told as an error of kind %s with its status', (status, next, kind) => {
    expect(judged(answered(status))).toMatchObject({ next, why: { kind, status } })
  })

  it('204 ends for good', () => {
    expect(judged(answered(204)).next).toBe('ended')
  })

  it.each([409, 429, 404, 500, 503])('%i waits as told', (status) => {
    expect(judged(answered(status, { 'retry-after': '9' })).retryAfter).toBe(9_000)
    const date = new Date(NOW + 4_000).toUTCString()
    expect(judged(answered(status, { 'retry-after': date })).retryAfter).toBe(4_000)
    expect(judged(answered(status)).retryAfter).toBeNull()
  })

  it('another content type backs off, and the error names it in part', () => {
    const contentType = `application/json; ${'x'.repeat(500)}`
    const verdict = judged(answered(200, { 'content-type': contentType, 'retry-after': '3' }))
    expect(verdict).toMatchObject({
      next: 'lost',
      why: { kind: 'protocol', status: 200 },
      retryAfter: 3_000,
      isSeldom: false,
    })
    expect(verdict.why.message).toContain('"application/json; xxx')
    expect(verdict.why.message.length).toBeLessThan(300)
  })

  it.each([
    [false, 'protocol'],
    [true, 'auth'],
  ])(
    'a page instead of a stream may be a log-in page, tried ever more seldom (redirected: %j): %s',
    (redirected, kind) => {
      const page = { ...answered(200, { 'content-type': 'Text/HTML; charset=utf-8' }), redirected } as Outcome
      expect(judged(page)).toMatchObject({ next: 'lost', why: { kind, status: 200 }, isSeldom: true })
      expect(judged(page).why.message).toMatch(/log-in page/)
      expect(/redirected/.test(judged(page).why.message)).toBe(redirected)
    },
  )

  it.each<[string, Outcome, object]>([
    ['a redirect', { type: 'redirected' }, { kind: 'auth' }],
    ['a network error', { type: 'unreachable', cause: 'boom' }, { kind: 'network', cause: 'boom' }],
    ['a clean end of the body', { type: 'ended', cause: null }, { kind: 'network', cause: null }],
    ['a broken connection', { type: 'ended', cause: 'reset' }, { kind: 'network', cause: 'reset' }],
    ['silence', { type: 'silent', ms: 40_000, hasAnswered: true }, { kind: 'stale' }],
  ])('%s backs off', (_, outcome, why) => {
    expect(judged(outcome)).toMatchObject({ next: 'lost', why, retryAfter: null })
  })

  it.each<[string, Outcome, RegExp]>([
    ['404', answered(404), /check the URL/i],
    ['a web page', answered(200, { 'content-type': 'text/html' }), /log-in page/],
    ['a redirect', { type: 'redirected' }, /final URL/],
    ['silence', { type: 'silent', ms: 40_000, hasAnswered: true }, /for 40 s\.$/],
    ['no answer for long', { type: 'silent', ms: 40_000, hasAnswered: false }, /40 s.*comment.*compression/],
    ['no answer', { type: 'unreachable', cause: '' }, /CORS/],
  ])('the message says what to do: %s', (_, outcome, words) => {
    expect(judged(outcome).why.message).toMatch(words)
  })
})
