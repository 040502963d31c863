import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../../../worker/base/metrics.ts'

describe('metrics', () => {
  it('begin at zero, averages included', () => {
    expect(createMetrics().snapshot(0)).toEqual({
      connectionsAttempted: 0,
      connectionsSuccessful: 0,
      reconnections: 0,
      eventsReceived: { total: 0, byType: {} },
      duplicatesDropped: 0,
      unaskedDropped: 0,
      bytesReceived: 0,
      errors: { total: 0, byKind: {} },
      averageConnectionDuration: 0,
      averageReconnectionTime: 0,
      missedHeartbeats: 0,
      lastByteAt: null,
      longestSilence: 0,
      resets: 0,
      deliveryLatency: { p50: 0, p99: 0 },
      tabs: 0,
    })
  })

  it('count each kind by itself', () => {
    const metrics = createMetrics()
    metrics.attempted()
    metrics.attempted()
    metrics.opened(null)
    metrics.event('a')
    metrics.event('a')
    metrics.event('b')
    metrics.duplicate()
    metrics.bytes(10, 1_000)
    metrics.bytes(5, 1_300)
    metrics.missedHeartbeat()
    metrics.reset()
    metrics.error('network')
    metrics.error('network')
    metrics.error('auth')
    expect(metrics.snapshot(3)).toMatchObject({
      connectionsAttempted: 2,
      connectionsSuccessful: 1,
      reconnections: 0,
      eventsReceived: { total: 3, byType: { a: 2, b: 1 } },
      duplicatesDropped: 1,
      bytesReceived: 15,
      errors: { total: 3, byKind: { network: 2, auth: 1 } },
      missedHeartbeats: 1,
      resets: 1,
      tabs: 3,
    })
  })

  it('average over connections and over reconnections', () => {
    const metrics = createMetrics()
    metrics.opened(null)
    metrics.closed(1_000, 1_000)
    metrics.opened(200)
    metrics.closed(3_000, 4_200)
    metrics.opened(400)
    expect(metrics.snapshot(1)).toMatchObject({
      connectionsSuccessful: 3,
      reconnections: 2,
      averageConnectionDuration: 2_000,
      averageReconnectionTime: 300,
    })
  })

  it('I1 tell of silence: since the last byte of the stream that stands, and the longest there was', () => {
    const metrics = createMetrics()
    metrics.opened(null)
    expect(metrics.snapshot(1)).toMatchObject({ lastByteAt: null, longestSilence: 0 })
    metrics.bytes(1, 1_000)
    metrics.bytes(1, 4_000)
    metrics.bytes(1, 5_000)
    expect(metrics.snapshot(1)).toMatchObject({ lastByteAt: 5_000, longestSilence: 3_000 })
    // The one that ends a stream counts; the time without a stream does not.
    metrics.closed(9_000, 10_000)
    expect(metrics.snapshot(1)).toMatchObject({ lastByteAt: null, longestSilence: 5_000 })
    metrics.opened(60_000)
    metrics.bytes(1, 70_000)
    expect(metrics.snapshot(1)).toMatchObject({ lastByteAt: 70_000, longestSilence: 5_000 })
  })

  it('I1 take a clock that was set back for no silence', () => {
    const metrics = createMetrics()
    metrics.bytes(1, 5_000)
    metrics.bytes(1, 1_000)
    expect(metrics.snapshot(1)).toMatchObject({ lastByteAt: 1_000, longestSilence: 0 })
  })

  it('give the median and the 99th percentile of the last 512 deliveries', () => {
    const metrics = createMetrics()
    for (let ms = 0; ms < 512; ms++) metrics.delivered(9_999)
    for (let ms = 511; ms >= 0; ms--) metrics.delivered(ms)
    expect(metrics.snapshot(1).deliveryLatency).toEqual({ p50: 256, p99: 506 })
  })

  it('do not grow with the types that a server makes up', () => {
    const metrics = createMetrics()
    metrics.event('known')
    for (let type = 0; type < 5_000; type++) metrics.event(`made up ${type}`)
    metrics.event('known')
    const { total, byType } = metrics.snapshot(1).eventsReceived
    expect(total).toBe(5_002)
    expect(byType.known).toBe(2)
    expect(Object.keys(byType).length).toBeLessThanOrEqual(257)
    expect(Object.values(byType).reduce((sum, count) => sum + count, 0)).toBe(5_002)
  })

  it('take a type that is the name of an object property', () => {
    const metrics = createMetrics()
    metrics.event('__proto__')
    metrics.event('constructor')
    expect(Object.entries(metrics.snapshot(1).eventsReceived.byType)).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
    ])
  })

  it('are a snapshot: what comes later leaves it alone', () => {
    const metrics = createMetrics()
    metrics.error('http')
    const { errors } = metrics.snapshot(0)
    metrics.error('http')
    expect(errors).toEqual({ total: 1, byKind: { http: 1 } })
  })
})
