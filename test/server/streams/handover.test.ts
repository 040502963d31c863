import { expect, test } from 'vitest'
import { numbered, start, tokenFor } from '../start.ts'
import { openStream, range } from '../stream.ts'

test('R1 nothing lost, nothing twice: 12 clients reconnect all the while 3,000 events are published', async () => {
  const total = 3000
  const server = await start({ streamsPerUser: 100 })
  const [first] = await server.publish('alice', numbered(1))
  const token = await tokenFor(server, 'alice', 'sse')

  const publish = async () => {
    for (let n = 2; n <= total; n += 20)
      await server.publish('alice', numbered(Math.min(20, total - n + 1), n))
  }

  /** Reads a little, closes, resumes from what it has: until it has them all. */
  const follow = async (index: number) => {
    const numbers: number[] = []
    let lastEventId = first!.replace(/-1$/, '-0')
    let share = 1 + index * 5
    while (numbers.length < total) {
      const closeAfter = Math.min(share, total - numbers.length)
      const stream = await openStream(server, { token, lastEventId, closeAfter })
      expect(stream.response.headers.get('stream-resume')).toBe('continue')
      await stream.ended
      numbers.push(...stream.numbers())
      lastEventId = stream.ids().at(-1)!
      share = 1 + ((share * 7 + 3) % 300)
    }
    return numbers
  }

  const [, ...results] = await Promise.all([publish(), ...range(1, 12).map(follow)])
  for (const numbers of results) expect(numbers).toEqual(range(1, total))
})
