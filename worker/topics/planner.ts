import type { TopicOptions } from '../../src/shared/hub-options.ts'

/** ms that a join waits for others: a page joins all that it shows within one task, and several tasks soon after. */
const DEBOUNCE = 20
/** ms from one PUT to the next (R8). */
const PUT_PAUSE = 250
/** ms for a PUT to be answered, and then for the stream to tell of it. */
const ANSWER_LIMIT = 5_000
const MARKER_LIMIT = 10_000
/** ms from one reopening to the next, at first and at most: each one doubles it. */
const REOPEN_FIRST = 2_000
const REOPEN_CAP = 30_000
/** ms without a reopening after which the pause is the first one again. */
const REOPEN_REST = 60_000
/** ms after which the stream is reopened only to be rid of topics: their events cost less than a reopening does. */
const LEAVE_AFTER = 60_000
/** ms until a topic is asked for again that the server could not judge (503), at first and at most. */
const LATER_FIRST = 1_000
const LATER_CAP = 30_000
/** Bytes of all topics in a URL: nginx takes 8 KiB a line. */
const MOST_BYTES = 6_000

/** What to do about the topics of a stream. */
export type Step =
  /** Nothing before `until` (in ms since 1970), unless something happens. Infinity: nothing at all. */
  | { do: 'wait'; until: number }
  /** Send the set by R8. */
  | ({ do: 'put'; rev: number } & TopicSet)
  /** Make another request for the stream. */
  | { do: 'reopen' }

/** What a request asks for, sorted. `over`: what does not fit into it, since it was wanted last. */
export interface TopicSet {
  names: string[]
  over: string[]
}

/**
 * Which topics the server is asked for, and when (R7, R8). Pure: the planner knows no clock, and `now` is in ms since
 * 1970. What the tabs want changes often, and each change costs a request. So changes that are close to each other are
 * one request, and a topic that no tab wants is kept for a while.
 */
export interface Planner {
  /** The tabs want these. What they wanted before is kept for `grace`. */
  want(names: Iterable<string>, now: number): void
  /** A log has these, and its tabs may say only in a moment that they want them. Each is kept for `grace`. */
  keep(names: Iterable<string>, now: number): void
  /** What a request for the stream asks for. */
  ask(now: number): TopicSet
  /** That request has opened a stream. @param canPut whether its server offers R8 */
  opened(canPut: boolean, now: number): void
  /** There is no stream. The next request has the whole set. */
  closed(): void
  /** The PUT was answered; 0: it was not. @param retryAfter ms, or `null` */
  answered(status: number, retryAfter: number | null, now: number): void
  /** The stream has told of the set with this rev. @param isLater whether some topic is to be asked for later (503) */
  marked(rev: number, isLater: boolean, now: number): void
  /** The whole set is to be asked for once more, though it may be the same: a refusal may be out of date. */
  askAgain(): void
  /** Whether there is nothing to ask for. */
  isEmpty(now: number): boolean
  /** Whether each set from that `rev` on has this topic. What is said of a set before the topic came may be out of date. */
  isAsked(name: string, rev: number): boolean
  /** The next step. A step other than `wait` counts as done. */
  next(now: number): Step
}

interface Standing {
  canPut: boolean
  rev: number
  putAt: number
  /** When the next PUT may be sent: the server has named the time (429). */
  notBefore: number
  /** The PUT under way. `by`: it has failed if nothing comes until then. */
  put: { by: number } | null
  /** PUTs in a row that the server failed to answer. */
  failures: number
}

/** Over 80 lines: each method reads or changes the one account of what is wanted, asked for and under way. */
export const createPlanner = ({
  param,
  change,
  grace,
  most,
}: Pick<TopicOptions, 'param' | 'change' | 'grace' | 'most'>): Planner => {
  /** In the order in which they came. `until`: Infinity while a tab wants it. */
  const wanted = new Map<string, { since: number; until: number }>()
  /** The newest set, and for each topic the rev from which on it has stood in each set. */
  let asked = new Map<string, number>()
  let stream: Standing | null = null
  /** The server may not have the set that was sent, or is to judge it anew. */
  let isDoubtful = false
  let mustReopen = false
  let reopenedAt = Number.NEGATIVE_INFINITY
  let reopenPause = 0
  /** When a topic is asked for again that the server could not judge; `null`: there is none. */
  let laterAt: number | null = null
  let laterPause = LATER_FIRST

  /** The set for now. A topic that is not wanted any more stands in it until its grace is over. */
  const setAt = (now: number): TopicSet => {
    const names: string[] = []
    const over: string[] = []
    let bytes = 0
    for (const [name, { until }] of wanted) {
      if (until <= now) continue
      const size = encodeURIComponent(name).length + param.length + 2
      if (names.length === most || bytes + size > MOST_BYTES) over.push(name)
      else {
        names.push(name)
        bytes += size
      }
    }
    return { names: names.sort(), over }
  }

  const took = (names: string[], rev: number, now: number) => {
    asked = new Map(names.map((name) => [name, rev === 0 ? 0 : (asked.get(name) ?? rev)]))
    isDoubtful = false
    if (laterAt !== null && laterAt <= now) laterAt = null
    for (const [name, { until }] of wanted) if (until <= now) wanted.delete(name)
  }

  /** When the set, which differs from what was asked for, is due; `null`: it does not differ. */
  const dueAt = (now: number, { canPut }: Standing): number | null => {
    const { names } = setAt(now)
    const added = names.filter((name) => !asked.has(name))
    const joins = added.map((name) => wanted.get(name)!.since + DEBOUNCE)
    if (isDoubtful) joins.push(now)
    if (laterAt !== null) joins.push(laterAt)
    const gone = [...asked.keys()].filter((name) => !names.includes(name))
    const leaves = gone.map((name) => (wanted.get(name)?.until ?? now) + (canPut ? 0 : LEAVE_AFTER))
    const all = [...joins, ...leaves]
    return all.length === 0 ? null : Math.min(...all)
  }

  const wait = (until: number, now: number): Step => {
    const graces = [...wanted.values()].map(({ until }) => until).filter((until) => until > now)
    return { do: 'wait', until: Math.min(until, ...graces) }
  }

  const reopen = (due: number, now: number): Step => {
    const at = Math.max(due, reopenedAt + reopenPause)
    if (now < at) return wait(at, now)
    reopenPause = now - reopenedAt > REOPEN_REST ? REOPEN_FIRST : Math.min(REOPEN_CAP, reopenPause * 2)
    reopenedAt = now
    return { do: 'reopen' }
  }

  const failed = () => {
    if (stream !== null) stream.put = null
    isDoubtful = true
  }

  return {
    want(names, now) {
      const present = new Set(names)
      for (const name of present) {
        const before = wanted.get(name)
        const isNew = before === undefined || before.until <= now
        wanted.set(name, { since: isNew ? now : before.since, until: Number.POSITIVE_INFINITY })
      }
      for (const [name, its] of wanted) {
        if (!present.has(name) && its.until === Number.POSITIVE_INFINITY)
          wanted.set(name, { ...its, until: now + grace })
        if (its.until <= now && !asked.has(name)) wanted.delete(name)
      }
    },
    keep(names, now) {
      for (const name of names) if (!wanted.has(name)) wanted.set(name, { since: now, until: now + grace })
    },
    ask(now) {
      const set = setAt(now)
      took(set.names, 0, now)
      mustReopen = false
      return set
    },
    opened(canPut, now) {
      const canChange = canPut && change === 'auto'
      stream = { canPut: canChange, rev: 0, putAt: now - PUT_PAUSE, notBefore: 0, put: null, failures: 0 }
    },
    closed() {
      stream = null
    },
    answered(status, retryAfter, now) {
      if (stream?.put == null) return
      if (status >= 200 && status < 300) {
        stream.put.by = now + MARKER_LIMIT
        return
      }
      failed()
      if (status === 429) stream.notBefore = now + (retryAfter ?? LATER_FIRST)
      else if ((status === 0 || status >= 500) && stream.failures === 0) stream.failures++
      else mustReopen = true
    },
    marked(rev, isLater, now) {
      if (stream?.put != null && rev >= stream.rev) {
        stream.put = null
        stream.failures = 0
      }
      if (!isLater) laterPause = LATER_FIRST
      else {
        laterAt = now + laterPause
        laterPause = Math.min(LATER_CAP, laterPause * 2)
      }
    },
    askAgain() {
      isDoubtful = true
    },
    isEmpty: (now) => setAt(now).names.length === 0,
    isAsked: (name, rev) => rev >= (asked.get(name) ?? Number.POSITIVE_INFINITY),
    next(now) {
      if (stream === null) return { do: 'wait', until: Number.POSITIVE_INFINITY }
      if (stream.put !== null) {
        if (now < stream.put.by) return { do: 'wait', until: stream.put.by }
        failed()
        mustReopen = true
      }
      if (mustReopen) return reopen(now, now)
      const due = dueAt(now, stream)
      if (due === null) return wait(Number.POSITIVE_INFINITY, now)
      if (!stream.canPut) return reopen(due, now)
      const at = Math.max(due, stream.putAt + PUT_PAUSE, stream.notBefore)
      if (now < at) return wait(at, now)
      const set = setAt(now)
      stream.rev += 1
      took(set.names, stream.rev, now)
      stream.putAt = now
      stream.put = { by: now + ANSWER_LIMIT }
      return { do: 'put', rev: stream.rev, ...set }
    },
  }
}
