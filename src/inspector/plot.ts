import uPlot from 'uplot'
import { h, setText } from './dom.ts'
import { clock } from './format.ts'

export interface PlotLine {
  label: string
  /** A custom property of the style sheet. */
  color: string
}

export interface PlotOptions {
  title: string
  lines: PlotLine[]
  /** Of a value, also along the axis. */
  format(value: number): string
  /** Steps rather than slopes, and a whole number at every line: a count. */
  counts?: boolean
}

export interface Plot {
  element: HTMLElement
  draw(times: number[], values: (number | null)[][]): void
  close(): void
}

const HEIGHT = 96
/** s that the plot spans at least: the first few samples should not race across it. */
const SPAN = 60
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
/** The cursors of all plots move together. */
const SYNC = 'tabstream'

/** A canvas knows no custom properties, and the color scheme may change at any time: each color is read anew. */
const colorOf = (probe: Element) => getComputedStyle(probe).color

/** The elements whose colors a plot takes. */
interface Probes {
  element: Element
  canvas: Element
  swatches: Element[]
}

const axesOf = ({ format, counts }: Pick<PlotOptions, 'format' | 'counts'>, probes: Probes): uPlot.Axis[] => {
  const axis = { stroke: () => colorOf(probes.element), font: '10px system-ui', ticks: { show: false } }
  return [
    {
      ...axis,
      size: 18,
      space: 70,
      grid: { show: false },
      values: (_, splits) => splits.map((at) => clock(at * 1_000).slice(0, 8)),
    },
    {
      ...axis,
      ...(counts ? { incrs: WHOLE } : {}),
      size: 46,
      space: 26,
      values: (_, splits) => splits.map((value) => format(value)),
      grid: { stroke: () => colorOf(probes.canvas), width: 1 },
    },
  ]
}

const uplotOptions = (
  { lines, format, counts = false }: Omit<PlotOptions, 'title'>,
  probes: Probes,
  say: (index: number | null | undefined) => void,
): uPlot.Options => ({
  width: 280,
  height: HEIGHT,
  padding: [6, 22, 0, 0],
  legend: { show: false },
  cursor: {
    y: false,
    drag: { x: false, y: false },
    points: { size: 5 },
    sync: { key: SYNC },
  },
  scales: {
    x: { range: (_, min, max) => [Math.min(min ?? 0, (max ?? SPAN) - SPAN), max ?? SPAN] },
    y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.1] },
  },
  axes: axesOf({ format, counts }, probes),
  series: [
    {},
    ...lines.map((_, at): uPlot.Series => {
      const color = () => colorOf(probes.swatches[at]!)
      const paths = counts ? uPlot.paths.stepped!({ align: 1 }) : undefined
      return { stroke: color, width: 1.5, points: { show: false }, ...(paths ? { paths } : {}) }
    }),
  ],
  hooks: { setCursor: [({ cursor }) => say(cursor.idx)] },
})

/** A small live plot; the newest value, or the one under the pointer, stands in its head as text. */
export const createPlot = ({ title, lines, format, counts = false }: PlotOptions): Plot => {
  const values = lines.map(() => h('span', { class: 'mono' }, '–'))
  const swatches = lines.map(({ color }) => h('i', { class: `swatch ${color}`, 'aria-hidden': 'true' }))
  const legend = lines.map(({ label }, at) =>
    h('span', { class: 'legend' }, swatches[at]!, label === '' ? '' : `${label} `, values[at]!),
  )
  const canvas = h('div', { class: 'canvas', 'aria-hidden': 'true' })
  const element = h(
    'figure',
    { class: 'plot' },
    h('figcaption', {}, h('strong', {}, title), ...legend),
    canvas,
  )
  let data: uPlot.AlignedData = [[], ...lines.map(() => [])]
  const say = (index: number | null | undefined) => {
    for (const [at, value] of values.entries()) {
      const series = data[at + 1]!
      const known = series[index ?? series.length - 1]
      setText(value, known == null ? '–' : format(known))
    }
  }

  const options = uplotOptions({ lines, format, counts }, { element, canvas, swatches }, say)
  const plot = new uPlot(options, data, canvas)
  const watch = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry!.contentRect.width)
    if (width > 0) plot.setSize({ width, height: HEIGHT })
  })
  watch.observe(canvas)

  return {
    element,
    draw(times, series) {
      data = [times, ...series] as uPlot.AlignedData
      plot.setData(data)
      say(plot.cursor.idx)
    },
    close() {
      watch.disconnect()
      plot.destroy()
    },
  }
}
