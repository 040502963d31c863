import type { Happening } from '../shared/inspection.ts'
import { h, s, setText } from './dom.ts'
import { duration } from './format.ts'
import { type Lived, spansOf } from './history.ts'
import { toneOfHappening, toneOfState } from './tone.ts'

/** The states of a time as colored spans, with faults and hubs as marks on them. */
export interface TimelineStrip {
  element: HTMLElement
  /** @param all the oldest first; @param now ms since 1970; @param range ms to look back, at most */
  draw(all: Lived[], now: number, range: number): void
}

/** Units across the strip. */
const WIDTH = 1_000

/** Whether an entry of the time line tells of something that went wrong. */
export const isFault = (happening: Happening) => ['bad', 'warn'].includes(toneOfHappening(happening))

export const createTimelineStrip = (): TimelineStrip => {
  const strip = s('svg', {
    class: 'strip',
    viewBox: `0 0 ${WIDTH} 28`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  })
  const begin = h('span', {})
  const axis = h('div', { class: 'axis muted' }, begin, h('span', {}, 'now'))

  return {
    element: h('div', { class: 'strip-box' }, strip, axis),
    draw(all, now, range) {
      // Nothing is known of the time before the first entry.
      const from = Math.min(now - 1_000, Math.max(now - range, all[0]?.at ?? now))
      const x = (at: number) => Math.round(((Math.max(at, from) - from) / (now - from)) * WIDTH * 10) / 10
      const spans = spansOf(all, now)
        .filter(({ to }) => to > from)
        .map((span) =>
          s('rect', {
            class: 'span',
            'data-tone': toneOfState(span.state),
            x: x(span.from),
            y: 8,
            // A state that was shorter than a pixel is still a fact.
            width: Math.max(1.2, x(span.to) - x(span.from)),
            height: 12,
          }),
        )
      const marks = all
        .filter((happening) => happening.at >= from && (happening.what === 'hub' || isFault(happening)))
        .filter(({ what }) => what !== 'state')
        .map((happening) =>
          s('rect', {
            class: 'fault',
            'data-tone': happening.what === 'hub' ? 'busy' : toneOfHappening(happening),
            x: Math.max(0, x(happening.at) - 1),
            y: 1,
            width: 2,
            height: 26,
          }),
        )
      strip.replaceChildren(...spans, ...marks)
      setText(begin, `${duration(now - from)} ago`)
    },
  }
}
