import { beforeEach, describe, expect, it } from 'vitest'
import { createPoll, type Poll } from '../../../../src/inspector/poll.ts'
import { settle } from '../../harness/turns.ts'

describe('I3 an inspector asks once a second', () => {
  let poll: Poll
  let asked: number
  let answer: () => void
  let seen: boolean
  let timers: { ms: number; run: () => void }[]
  const tick = async () => {
    const [timer] = timers.splice(0)
    timer?.run()
    await settle()
    return timer?.ms
  }
  const answered = async () => {
    answer()
    await settle()
  }

  beforeEach(() => {
    asked = 0
    seen = true
    timers = []
    poll = createPoll({
      isSeen: () => seen,
      ask() {
        asked++
        return new Promise((resolve) => {
          answer = resolve
        })
      },
      after(ms, run) {
        const timer = { ms, run }
        timers.push(timer)
        return () => {
          timers = timers.filter((each) => each !== timer)
        }
      },
    })
  })

  it('at once, then 1 s after each answer, however long that takes', async () => {
    poll.start()
    poll.start()
    await settle()
    expect([asked, timers.length]).toEqual([1, 0])
    await answered()
    expect(await tick()).toBe(1_000)
    expect(asked).toBe(2)
  })

  it('not while nobody sees it, and never once it is stopped', async () => {
    seen = false
    poll.start()
    await settle()
    await tick()
    expect(asked).toBe(0)
    seen = true
    await tick()
    expect(asked).toBe(1)
    poll.stop()
    await answered()
    poll.now()
    await settle()
    expect([asked, timers.length]).toEqual([1, 0])
  })

  it('anew when something has happened: at once, or as soon as the question under way is answered', async () => {
    poll.start()
    await settle()
    poll.now()
    poll.now()
    await settle()
    expect(asked).toBe(1)
    await answered()
    expect(asked).toBe(2)
    await answered()
    poll.now()
    await settle()
    expect([asked, timers.length]).toEqual([3, 0])
    await answered()
    expect(timers).toHaveLength(1)
  })

  it('again after a stop and a start in the middle of a question', async () => {
    poll.start()
    await settle()
    poll.stop()
    poll.start()
    await answered()
    expect(asked).toBe(2)
    await answered()
    expect(timers).toHaveLength(1)
  })
})
