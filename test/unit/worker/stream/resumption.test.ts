import { describe, expect, it } from 'vitest'
import { resumption } from '../../../../worker/stream/resumption.ts'

describe('D7 what the server says of the resumption counts (R4)', () => {
  it.each<[string, Record<string, string>, string, boolean, string]>([
    ['a first stream has nothing to resume', {}, '', false, 'fresh'],
    ['`continue` confirms', { 'stream-resume': 'continue' }, '7', true, 'continued'],
    ['`reset` denies', { 'stream-resume': 'reset' }, '7', true, 'reset'],
    ['`reset` denies a first stream as well', { 'stream-resume': 'reset' }, '', false, 'reset'],
    ['case and space do not matter', { 'stream-resume': ' Continue ' }, '7', false, 'continued'],
    ['silence is unconfirmed', {}, '7', true, 'unconfirmed'],
    ['a word nobody knows is silence', { 'stream-resume': 'perhaps' }, '7', true, 'unconfirmed'],
    ['a second stream without an id may have a gap', {}, '', true, 'unconfirmed'],
    ['`continue` after nothing confirms nothing', { 'stream-resume': 'continue' }, '', true, 'unconfirmed'],
    ['Mercure echoes the id', { 'mercure-last-event-id': '7' }, '7', true, 'continued'],
    ['Mercure answers another id', { 'mercure-last-event-id': '3' }, '7', true, 'reset'],
    ['Mercure no longer knows the id', { 'mercure-last-event-id': 'earliest' }, '7', true, 'reset'],
    [
      'ours goes before theirs',
      { 'stream-resume': 'continue', 'mercure-last-event-id': '3' },
      '7',
      true,
      'continued',
    ],
  ])('%s', (_, headers, lastEventId, followsAnother, said) => {
    expect(resumption(new Headers(headers), lastEventId, followsAnother)).toBe(said)
  })
})
