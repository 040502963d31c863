import type { JudgeTopics, TopicStatus } from '../auth/authorize-topic.ts'
import { createInTurn } from '../base/in-turn.ts'
import type { WantedTopics } from '../store/leases.ts'
import type { TopicChange } from './followed-topics.ts'

export interface StreamTopicsOptions {
  user: string
  judge: JudgeTopics
  /** The verdicts that the stream has opened with. */
  verdicts: ReadonlyMap<string, TopicStatus>
  /** What the client has asked for since (R8), on whatever node. Null: nothing. */
  wanted: () => Promise<WantedTopics | null>
  change: (change: TopicChange) => void
  /** Milliseconds between two looks at what is wanted, and at the rights. */
  checkInterval: number
  onError: (error: unknown) => void
}

/** The topics of one open stream: what the client wants, and what the user may have. */
export interface StreamTopics {
  /** Looks for another set that the client has asked for, and asks for the rights of all. */
  update(): void
  /** The right is withdrawn: nothing of the topic is sent any more. */
  revoke(topic: string): void
  /** Topics that are sent. */
  held(): number
  close(): void
}

export const createStreamTopics = (options: StreamTopicsOptions): StreamTopics => {
  const { user, judge, wanted, change, checkInterval, onError } = options
  const inTurn = createInTurn()
  let verdicts = new Map(options.verdicts)
  let rev = 0
  /** Since the judgement under way began: it may have read the rights before. */
  let withdrawn = new Set<string>()
  let state: 'open' | 'closed' = 'open'

  const isHeld = (topic: string) => verdicts.get(topic) === 200

  const update = async () => {
    const asked = await wanted()
    const isNew = asked !== null && asked.rev > rev
    const names = isNew ? [...new Set(asked.topics)] : [...verdicts.keys()]
    withdrawn = new Set()
    const judged = await judge(user, names)
    if (state === 'closed') return
    const next = new Map<string, TopicStatus>()
    for (const name of names) {
      const is = judged.get(name)!
      // That nobody can say is no withdrawal.
      const stays = is === 503 && isHeld(name)
      next.set(name, withdrawn.has(name) ? 403 : stays ? 200 : is)
    }
    const joined = names.filter((name) => next.get(name) === 200 && !isHeld(name))
    const left = [...verdicts.keys()].filter((name) => isHeld(name) && next.get(name) !== 200)
    // Of a new set each is named: a client that has left one and wants it again may have asked so by two sets at once.
    const told = isNew ? names : names.filter((name) => next.get(name) !== verdicts.get(name))
    const statuses = Object.fromEntries(told.map((name) => [name, next.get(name)!]))
    verdicts = next
    if (isNew) rev = asked.rev
    if (isNew || told.length > 0) change({ rev, joined, left, statuses })
  }

  const start = () => {
    if (state === 'open') inTurn('', update).catch(onError)
  }

  // What a node was told and has not heard is found here.
  const timer = setInterval(start, checkInterval).unref()

  return {
    update: start,
    revoke(topic) {
      withdrawn.add(topic)
      if (!isHeld(topic)) return
      verdicts.set(topic, 403)
      change({ rev, joined: [], left: [topic], statuses: { [topic]: 403 } })
    },
    held: () => [...verdicts.keys()].filter(isHeld).length,
    close() {
      state = 'closed'
      clearInterval(timer)
    },
  }
}
