import { describe, expect, it } from 'vitest'
import { checkTopicName } from '../../../src/topic-name.ts'

const check =
  (name: unknown, separator: string | null = null) =>
  () =>
    checkTopicName(name, { separator })
const JWT = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'

describe('the name of a topic', () => {
  it.each([
    'lobby',
    'chat/1',
    'https://example.test/books/{id}',
    'a,b;c d',
    '__proto__',
    'constructor',
    'null',
    ': topic x',
    'Grüße 🎉',
    '.*',
    '**',
    'x'.repeat(200),
    'é'.repeat(100),
  ])('may be %j', (name) => {
    expect(check(name)).not.toThrow()
  })

  it.each([
    undefined,
    7,
    '',
    'a\rb',
    'a\nb',
    'a\0b',
    'a\tb',
    'a\u0085b',
    'a\u200bb',
    'a\u202eb',
    '\ufeffa',
    'a\ud800b',
    '\udc00',
    '*',
    'x'.repeat(201),
    'é'.repeat(101),
    `user/${JWT}`,
    'Bearer abcdef',
  ])('may not be %j', (name) => {
    expect(check(name)).toThrow(TypeError)
    expect(check(name)).toThrow(/the name of a topic/)
  })

  it('A1 is not quoted in the error', () => {
    expect(check(`user/${JWT}`)).not.toThrow(/eyJ/)
  })

  it('may not hold the separator, which would make two of it', () => {
    expect(check('a,b', ',')).toThrow(/separator/)
    expect(check('a;b', ',')).not.toThrow()
  })

  it('is none where the option `topics` is not set', () => {
    expect(() => checkTopicName('lobby', null)).toThrow(/`topics`/)
  })
})
