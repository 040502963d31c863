import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { streamPath, topicsPath } from '../http/stream-path.ts'
import type { StreamMeter } from '../streams/stream-meter.ts'

export interface MetricsOptions {
  /** Streams of this node. */
  streams: () => number
  /** Topics that those hold, each as often as it is held. */
  topics: () => number
  /** Whether what the node stands on answers. */
  isReady: () => boolean
  /** Whether nothing has happened to the audit log. */
  isAuditIntact: () => boolean
  /** Milliseconds since 1970. */
  now: () => number
  /** Also memory, event loop and garbage collection of the process. */
  ofProcess: boolean
}

export interface Metrics extends StreamMeter {
  /** Counts what `app` refuses. */
  watch(app: FastifyInstance): void
  /** GET /metrics. */
  route(app: FastifyInstance): void
  /** So many events were appended by this node. */
  published(count: number): void
}

/** Prometheus metrics at /metrics. No user is in any: labels are of few values, and the page is no secret's place. */
export const createMetrics = (options: MetricsOptions): Metrics => {
  const { streams, topics, isReady, isAuditIntact, now } = options
  // Its own registry: two servers in one process count apart.
  const registers = [new Registry()]
  if (options.ofProcess) collectDefaultMetrics({ register: registers[0]! })

  new Gauge({
    name: 'tabstream_streams',
    help: 'Streams that are open on this node.',
    registers,
    collect() {
      this.set(streams())
    },
  })
  new Gauge({
    name: 'tabstream_topics',
    help: 'Topics that the streams of this node hold, each as often as it is held.',
    registers,
    collect() {
      this.set(topics())
    },
  })
  new Gauge({
    name: 'tabstream_ready',
    help: '1 where the store answers.',
    registers,
    collect() {
      this.set(isReady() ? 1 : 0)
    },
  })
  new Gauge({
    name: 'tabstream_audit_log_intact',
    help: '0 once the audit log was found missing, moved or cut. An alarm.',
    registers,
    collect() {
      this.set(isAuditIntact() ? 1 : 0)
    },
  })
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `tabstream_${name}_total`, help, labelNames, registers })

  const opened = counter('streams_opened', 'Streams opened, by how they began (R4).', 'resume')
  const resets = counter('resets', 'Streams that could not resume, by why.', 'reason')
  const ended = counter('streams_ended', 'Streams ended, by why.', 'reason')
  const refusals = counter('refusals', 'Requests for a stream that got none.', 'status', 'reason')
  const sent = counter('events_sent', 'Events written to streams, as they came or from the log.', 'kind')
  // Looked up once, and not for each event of each stream.
  const sentLive = sent.labels('live')
  const sentReplay = sent.labels('replay')
  const topicsJoined = counter('topics_joined', 'Topics that streams joined (R7).')
  const topicsLeft = counter('topics_left', 'Topics that streams left, or whose right was withdrawn.')
  const topicsRefused = counter('topics_refused', 'Topics that streams asked for in vain.', 'status')
  const topicChanges = counter('topic_changes', 'Requests for other topics of a stream (R8).', 'status')
  const published = counter('events_published', 'Events appended by this node.')
  const lag = new Histogram({
    name: 'tabstream_event_lag_seconds',
    help: 'From the append of a live event to its write into a stream; two clocks, where the store is elsewhere.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30],
    registers,
  })

  return {
    watch(app) {
      app.addHook('onResponse', async (request, reply) => {
        if (request.routeOptions.url === streamPath && reply.problem !== null)
          refusals.inc({ status: reply.statusCode, reason: reply.problem })
        if (request.routeOptions.url === topicsPath) topicChanges.inc({ status: reply.statusCode })
      })
    },

    route(app) {
      app.get('/metrics', async (_, reply) => {
        reply.header('Cache-Control', 'no-store').type(registers[0]!.contentType)
        return registers[0]!.metrics()
      })
    },

    published: (count) => published.inc(count),

    changed({ joined, left, statuses }) {
      topicsJoined.inc(joined.length)
      topicsLeft.inc(left.length)
      for (const status of Object.values(statuses))
        if (status !== 200 && status !== 410) topicsRefused.inc({ status })
    },

    opened({ state, reason }) {
      const openedAt = now()
      opened.inc({ resume: state })
      if (reason !== null) resets.inc({ reason })
      return {
        sent(events) {
          // In order of their appends: what was there before is a replay.
          const first = events.findIndex(({ at }) => at >= openedAt)
          const live = first === -1 ? 0 : events.length - first
          if (live > 0) sentLive.inc(live)
          if (events.length > live) sentReplay.inc(events.length - live)
          // Of a batch, its first: that one has waited longest.
          if (live > 0) lag.observe(Math.max(0, now() - events[first]!.at) / 1_000)
        },
        ended: (reason) => ended.inc({ reason }),
      }
    },
  }
}
