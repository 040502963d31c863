import { beforeEach, describe, expect, it } from 'vitest'
import { createSamples } from '../../../../src/inspector/samples.ts'
import type { Metrics } from '../../../../src/shared/inspection.ts'
import { createTestStream } from '../../../../src/testing.ts'

describe('what the plots of an inspector draw', () => {
  let samples: ReturnType<typeof createSamples>
  let none: Metrics
  const add = (at: number, total: number, more: Partial<Metrics> = {}, incarnation = 'one') =>
    samples.add({
      at,
      incarnation,
      metrics: { ...none, eventsReceived: { total, byType: {} }, ...more },
    })

  beforeEach(async () => {
    samples = createSamples()
    none = await createTestStream().stream.metrics()
  })

  it('events a second between two samples, whatever lies between them', () => {
    add(1_000, 10)
    add(2_000, 30)
    add(4_000, 30 + 50)
    expect(samples.plotted()).toMatchObject({ times: [1, 2, 4], rate: [null, 20, 25] })
  })

  it('latency once there was a delivery, silence while a stream stands', () => {
    add(1_000, 0)
    add(2_000, 1, { deliveryLatency: { p50: 3, p99: 8 }, lastByteAt: 1_500, reconnections: 2 })
    expect(samples.plotted()).toMatchObject({
      p50: [null, 3],
      p99: [null, 8],
      silence: [null, 500],
      reconnections: [0, 2],
    })
  })

  it('a break where nobody looked, or where another hub counts from zero', () => {
    add(1_000, 100)
    add(2_000, 101)
    add(3_000, 1, {}, 'two')
    add(60_000, 2, {}, 'two')
    expect(samples.plotted()).toMatchObject({
      times: [1, 2, 2.999, 3, 59.999, 60],
      rate: [null, 1, null, null, null, null],
      reconnections: [0, 0, null, 0, null, 0],
    })
  })

  it('nothing for a clock that was set back, and no more than 300 samples', () => {
    for (let n = 1; n <= 400; n++) add(n * 1_000, n)
    add(5_000, 500)
    const { times, rate } = samples.plotted()
    expect([times.length, rate.length, times[0], times.at(-1)]).toEqual([300, 300, 101, 400])
  })
})
