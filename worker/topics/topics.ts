import { ownOf, type TopicRecord } from '../../src/shared/control.ts'
import type { HubOptions, TopicOptions } from '../../src/shared/hub-options.ts'
import type { ErrorData, ErrorKind } from '../../src/shared/status.ts'
import type { Credentials } from '../auth/credentials.ts'
import type { MetricsRecorder } from '../base/metrics.ts'
import { LONGEST_TIMER, type Platform } from '../base/platform.ts'
import { REFUSAL_HOLDS } from '../base/refusal-holds.ts'
import { parseRetryAfter } from '../base/retry-after.ts'
import type { Log } from '../log/log.ts'
import type { Received } from '../log/received.ts'
import { judgeMarker, MARKER, type Named, readMarker } from './marker.ts'
import { createPlanner } from './planner.ts'
import { putTopics } from './put-topics.ts'
import { createWants } from './wants.ts'

/** ms without a block, after which a server counts as one that says nothing of topics: the marker comes first (R7). */
const SILENT_AFTER = 1_000

/** For a server that names the topic elsewhere than in a `: topic` line. @returns `undefined`: the event has none */
export type TopicOf = (event: { type: string; data: string; id: string }) => string | undefined

export interface TopicsOptions {
  platform: Platform
  options: Pick<HubOptions, 'url' | 'headers'>
  topics: TopicOptions
  topicOf: TopicOf | null
  credentials: Pick<Credentials, 'get' | 'settled' | 'refused'>
  log: Pick<Log, 'append' | 'position' | 'lastEventId' | 'streamClient'>
  metrics: Pick<MetricsRecorder, 'error'>
  /** Whether `Stream-Client` may go along: elsewhere an unknown header fails the preflight. */
  sendStreamClient: boolean
  /** The topics that the tabs of this hub want. */
  ofTabs(): string[]
  /** Whether this hub still leads. The answer holds even right after a freeze (L3). */
  leads(): Promise<boolean>
  /** Opens the stream anew, if one stands. */
  reopen(): void
  errorOf(why: { kind: ErrorKind; message: string; status: number | null; cause: null }): ErrorData
}

/** The topics of a stream: what its server is asked for, and what its log has of them (R7, R8). */
export interface Topics {
  /** The tabs of this hub may want other topics than before. */
  changed(): void
  /** A follower says what its tabs want. */
  heard(hub: string, names: string[]): void
  /** Whether this topic was refused so long ago that a tab that joins has it asked for again (TO4). */
  isRefusedLong(name: string): boolean
  /** Asks again for all topics of which that holds. */
  askAgain(): Promise<void>
  /**
   * Whether the stream has to wait until a tab wants a topic. A Mercure hub answers 400 to a request without `match`,
   * where other servers open a stream that may have events without a topic.
   */
  mustWait(): boolean
  /** What the next request for the stream asks for. By then the log says `left` of the other topics. */
  ask(): Promise<string[]>
  /** A stream has opened. @param headers of the answer */
  opened(headers: Headers): void
  /** The stream has ended, or was given up. */
  closed(): void
  /**
   * What blocks of the stream are for the log: what the server says of topics becomes controls, in its place. Each is judged
   * when the log asks for it, by what the log has and what the server is asked for by then.
   */
  read(blocks: Iterable<Received>): Iterable<Received>
  close(): void
}

/**
 * Over 80 lines, and a file over 250: all that happens to a stream's topics goes to one planner, and each of its steps comes
 * back here.
 *
 * What is said of a topic is decided as the log takes it (`append`, `read`), and never before. In between, another step may
 * change what is asked for: the log would say `live` of a topic that the server no longer sends.
 */
export const createTopics = ({ platform, options, credentials, log, ...deps }: TopicsOptions): Topics => {
  const planner = createPlanner(deps.topics)
  const wants = createWants(platform)
  /** Aborts a PUT under way once its stream has ended. */
  let life = new AbortController()
  /** Where the present stream takes a PUT; `null`: its server offers none. */
  let putUrl: string | null = null
  /** What the present stream's request asked for. */
  let opening: string[] = []
  /** The present stream has said nothing yet, not even of its topics. */
  let isSilent = false
  let cancelSilence = () => {}
  let cancelStep = () => {}

  const recordOf = (name: string): TopicRecord | undefined => ownOf(log.position().topics, name)
  const namesInLog = () => Object.keys(log.position().topics ?? {})
  const blockOf = ([topic, control]: Named, id = log.lastEventId()): Received => ({
    givenId: null,
    id,
    type: '',
    data: JSON.stringify(control),
    topic,
  })
  /** @param controls what there is to say, once the log has what came before */
  const append = async (controls: () => Named[]) => {
    function* blocks() {
      for (const each of controls()) yield blockOf(each)
    }
    if (await deps.leads()) await log.append(blocks())
  }
  const errorOf = (kind: ErrorKind, message: string, status: number | null, topic: string): ErrorData => {
    deps.metrics.error(kind)
    return { ...deps.errorOf({ kind, message, status, cause: null }), retryable: false, topic }
  }

  /**
   * Coverage ends before the request without the topic goes out: no commit may have a later position without that. What
   * does not fit into the request is refused here.
   */
  const leave = ({ names, over }: { names: string[]; over: string[] }) => {
    const { signal } = life
    const isNews = (name: string) => !over.includes(name) || recordOf(name)?.is !== 'refused'
    const message = 'There are too many topics for one stream.'
    return append(() => {
      if (signal.aborted) return []
      const gone = namesInLog().filter((name) => !names.includes(name) && isNews(name))
      return [
        ...gone.map((name): Named => [name, { is: 'left' }]),
        ...over.filter(isNews).map((name): Named => {
          return [name, { is: 'refused', error: errorOf('limit', message, null, name) }]
        }),
      ]
    })
  }

  const put = async (url: string, rev: number, set: { names: string[]; over: string[] }) => {
    const { signal } = life
    await leave(set)
    const credential = await credentials.get(url)
    credentials.settled(true)
    if (signal.aborted) return
    const client = deps.sendStreamClient ? { 'stream-client': log.streamClient() } : {}
    const headers = { ...options.headers, ...client }
    const answer = credential.ok
      ? await putTopics({ platform, url, rev, names: set.names, headers, credential, signal })
      : null
    if (signal.aborted) return
    // The stream is opened anew, with another token.
    if (answer?.status === 401) credentials.refused('refused', answer.headers)
    const now = platform.now()
    planner.answered(
      answer?.status ?? 0,
      answer && parseRetryAfter(answer.headers.get('retry-after'), now),
      now,
    )
    step()
  }

  const want = (now: number) => planner.want([...deps.ofTabs(), ...wants.ofFollowers()], now)

  /** Takes all steps that are due, and sets the timer for the next. */
  const step = (): void => {
    cancelStep()
    const now = platform.now()
    want(now)
    const next = planner.next(now)
    if (next.do === 'reopen') deps.reopen()
    else if (next.do === 'put') {
      void put(putUrl!, next.rev, next)
      step()
    } else {
      const ms = Math.min(next.until, wants.until()) - now
      if (ms < Number.POSITIVE_INFINITY) cancelStep = platform.after(Math.min(ms, LONGEST_TIMER), step)
    }
  }

  /** A server that says nothing of topics is taken to have joined them all, since it answered 200. */
  const takenForJoined = (): Named[] =>
    opening
      .filter((name) => recordOf(name)?.is !== 'live')
      .map((name): Named => [name, { is: 'live', confirmed: false }])

  const isRefusedLong = (name: string) => {
    const record = recordOf(name)
    return record?.is === 'refused' && platform.now() - record.error.at >= REFUSAL_HOLDS
  }

  /** @returns what that says of the topics, unless the stream has ended or spoken before */
  const endSilence = (): Named[] => {
    const wasSilent = isSilent
    isSilent = false
    cancelSilence()
    return wasSilent ? takenForJoined() : []
  }

  const readMarkerOf = ({ data, id }: Received): Received[] => {
    const marker = readMarker(data)
    if (marker === null) return []
    const { topics: records } = log.position()
    const { controls, isLater } = judgeMarker(marker, { isAsked: planner.isAsked, records, errorOf })
    planner.marked(marker.rev, isLater, platform.now())
    return controls.map((each) => blockOf(each, id))
  }

  /** @returns the block under the topic that the application's function reads from it */
  const named = (block: Received): Received => {
    const { type, data, id, topic } = block
    if (deps.topicOf === null || topic !== null || type === null) return block
    try {
      return { ...block, topic: deps.topicOf({ type, data, id }) ?? null }
    } catch {
      return block
    }
  }

  return {
    changed: step,
    heard(hub, names) {
      wants.heard(hub, names)
      step()
    },
    isRefusedLong,
    mustWait() {
      const now = platform.now()
      want(now)
      const { param } = deps.topics
      return param === 'match' && planner.isEmpty(now) && !new URL(options.url).searchParams.has(param)
    },
    async askAgain() {
      if (!namesInLog().some(isRefusedLong)) return
      // Tabs that join meanwhile wait for the answer.
      await append(() =>
        namesInLog()
          .filter(isRefusedLong)
          .map((name): Named => [name, { is: 'left' }]),
      )
      planner.askAgain()
      step()
    },
    async ask() {
      const now = platform.now()
      // A follower's word of what its tabs want may come a beat late, and another hub may have led before.
      planner.keep(
        namesInLog().filter((name) => recordOf(name)!.is === 'live'),
        now,
      )
      want(now)
      const set = planner.ask(now)
      opening = set.names
      await leave(set)
      return set.names
    },
    opened(headers) {
      const offered = headers.get('stream-topics')
      const url = offered === null ? null : new URL(offered, options.url)
      // A credential goes along.
      putUrl = url?.origin === new URL(options.url).origin ? url.href : null
      planner.opened(putUrl !== null, platform.now())
      isSilent = true
      const { signal } = life
      const end = () => (signal.aborted ? [] : endSilence())
      cancelSilence = platform.after(SILENT_AFTER, () => void append(end))
      step()
    },
    closed() {
      life.abort()
      life = new AbortController()
      endSilence()
      cancelStep()
      planner.closed()
    },
    *read(blocks) {
      let isMarked = false
      for (const block of blocks) {
        const joined = endSilence()
        if (block.type === MARKER) {
          isMarked = true
          yield* readMarkerOf(block)
          yield { ...block, type: null, data: '' }
        } else {
          for (const each of joined) yield blockOf(each)
          yield named(block)
        }
      }
      if (isMarked) step()
    },
    close() {
      life.abort()
      cancelSilence()
      cancelStep()
    },
  }
}
