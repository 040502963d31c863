import { s } from './dom.ts'

/** On 16 by 16, as lines. */
const PATHS = {
  reconnect: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  drop: 'M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.5M9.2 7v3.5',
  copy: 'M6 6h7v7H6zM3.5 10H3V3h7v.5',
  save: 'M8 2.5v7M5 7l3 3 3-3M3 13h10',
  collapse: 'M4 6l4 4 4-4',
  close: 'M4 4l8 8M12 4l-8 8',
} as const

/** Beside words, or in a button that has a label: it says nothing by itself. */
export const icon = (name: keyof typeof PATHS): SVGElement =>
  s('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, s('path', { d: PATHS[name] }))

/** Many tabs, one line. */
export const mark = (): SVGElement =>
  s(
    'svg',
    { class: 'mark', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    s('path', { d: 'M2 8h4M6 8c3 0 2.5-5 5-5M6 8h5M6 8c3 0 2.5 5 5 5' }),
    s('circle', { cx: 13, cy: 3, r: 1.6 }),
    s('circle', { cx: 13, cy: 8, r: 1.6 }),
    s('circle', { cx: 13, cy: 13, r: 1.6 }),
  )
