import { describe, expect, it } from 'vitest'
import { topicRows } from '../../../../src/inspector/topics-panel.ts'
import type { TopicRecords } from '../../../../src/shared/control.ts'
import type { Follow } from '../../../../src/shared/events.ts'
import type { Inspection } from '../../../../src/shared/inspection.ts'
import { localError } from '../../../../src/shared/local-error.ts'

const session = (tab: string, topics: Follow['topics']) => ({ tab, follows: { types: [], topics } })
const rows = (topics: TopicRecords, ...sessions: ReturnType<typeof session>[]) =>
  topicRows({ log: { topics }, sessions } as unknown as Inspection)

describe('I3 the topics that an inspector shows', () => {
  it('are those that the log has and those that a tab waits for, by name, with who wants them', () => {
    expect(
      rows(
        {
          news: { is: 'live', confirmed: false, since: 7 },
          chat: { is: 'live', confirmed: true, since: 3 },
          ['__proto__']: { is: 'refused', since: 9, error: localError('topic', 'Not yours.', 'open') },
        },
        session('aaaaaaaabbbb', { chat: '*', constructor: [] }),
        session('cccccccc', { chat: ['x', 'y'] }),
      ).map(({ name, state, since, note, wantedBy }) => [name, state, since, note, wantedBy]),
    ).toEqual([
      ['__proto__', 'refused', 9, 'Not yours.', 'no tab of this hub'],
      ['chat', 'live', 3, 'the server said so', 'aaaaaaaa (everything) · cccccccc (x, y)'],
      ['constructor', 'joining', null, 'the server has not taken it yet', 'aaaaaaaa (no type yet)'],
      ['news', 'live', 7, 'the server says nothing of topics', 'no tab of this hub'],
    ])
  })

  it('are none where no topic was joined', () => {
    expect(rows({}, session('a', {}))).toEqual([])
  })
})
