import type { Medians } from './goals.ts'
import { VARIANTS } from './jobs.ts'

const COLOURS = ['#1f6feb', '#d1242f', '#8c959f', '#bf8700', '#1a7f37', '#8250df', '#bc4c00']
const TABS = [1, 2, 6, 12, 20]
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [520, 300, 64, 36]

interface Line {
  name: string
  points: [number, number][]
}

interface Plot {
  title: string
  x: string
  y: string
  /** Where one variant is a thousand times another. */
  logX?: boolean
  logY?: boolean
  lines: Line[]
}

const asText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const draw = ({ title, x, y, logX = false, logY = false, lines }: Plot): string => {
  const shown = lines.map((line) => ({
    ...line,
    points: line.points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b) && (!logX || a > 0)),
  }))
  const all = shown.flatMap(({ points }) => points)
  const scale = (values: number[], log: boolean, from: number, to: number) => {
    const place = log ? Math.log10 : (value: number) => value
    const [low, high] = [log ? Math.min(...values) : 0, Math.max(...values)]
    const span = place(high) - place(low) || 1
    return {
      at: (value: number) => from + ((place(value) - place(low)) / span) * (to - from),
      ticks: Array.from({ length: 5 }, (_, tick) => {
        const value = place(low) + (span * tick) / 4
        return log ? 10 ** value : value
      }),
    }
  }
  const across = scale(
    all.map(([a]) => a),
    logX,
    LEFT,
    WIDTH - 10,
  )
  const up = scale(
    all.map(([, b]) => b),
    logY,
    HEIGHT - BOTTOM,
    12,
  )
  const words = (value: number) => Number(value.toPrecision(2)).toLocaleString('en')
  const marks = [
    ...across.ticks.map(
      (tick) =>
        `<text x="${across.at(tick)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${words(tick)}</text>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<text x="${LEFT - 6}" y="${up.at(tick) + 4}" text-anchor="end">${words(tick)}</text>` +
        `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${up.at(tick)}" y2="${up.at(tick)}" class="grid"/>`,
    ),
  ]
  const paths = shown.map(({ points }, index) => {
    const path = points.map(([a, b]) => `${across.at(a).toFixed(1)},${up.at(b).toFixed(1)}`).join(' ')
    return `<polyline points="${path}" stroke="${COLOURS[index % COLOURS.length]}"/>`
  })
  const legend = shown.map(
    ({ name }, index) =>
      `<span><i style="background:${COLOURS[index % COLOURS.length]}"></i>${asText(name)}</span>`,
  )
  return (
    `<figure><figcaption>${asText(title)}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" ` +
    `aria-label="${asText(title)}">${marks.join('')}${paths.join('')}` +
    `<text x="${WIDTH / 2}" y="${HEIGHT - 4}" text-anchor="middle">${asText(x)}</text>` +
    `<text x="4" y="10">${asText(y)}</text></svg><p>${legend.join(' ')}</p></figure>`
  )
}

/** One page with the pictures of a run, without anything from elsewhere. */
export const plots = (of: Medians, latencies: ReadonlyMap<string, number[]>): string => {
  const distribution = (load: string, variants: string[]): Line[] =>
    variants.map((name) => {
      const sorted = (latencies.get(`${load}: ${name}`) ?? []).toSorted((a, b) => a - b)
      return { name, points: sorted.map((ms, index) => [ms, ((index + 1) / sorted.length) * 100]) }
    })
  const byTabs = (variants: string[], value: (variant: string, tabs: number) => number): Line[] =>
    variants.map((name) => ({ name, points: TABS.map((tabs) => [tabs, value(name, tabs)]) }))
  const steady = (measure: string) => (variant: string, tabs: number) =>
    of(`1000/s, ${tabs} tabs: ${variant}`, measure)
  const pictures = [
    draw({
      title: 'Latency at 10 events/s, 6 tabs',
      x: 'ms',
      y: '% of deliveries',
      logX: true,
      lines: distribution('10/s, 6 tabs', ['tabstream', 'native']),
    }),
    draw({
      title: 'Latency at 1,000 events/s, 6 tabs',
      x: 'ms',
      y: '% of deliveries',
      logX: true,
      lines: distribution('1000/s, 6 tabs', VARIANTS),
    }),
    draw({
      title: 'Deliveries a second, as fast as it goes (150 B)',
      x: 'tabs',
      y: 'deliveries/s',
      logY: true,
      lines: byTabs(VARIANTS, (variant, tabs) => of(`flood 150 B, ${tabs} tabs: ${variant}`, 'rate')),
    }),
    draw({
      title: 'CPU of the browser at 1,000 events/s',
      x: 'tabs',
      y: '% of a core',
      lines: byTabs(['tabstream', 'native'], steady('cpu')),
    }),
    draw({
      title: 'Bytes that the server sends for an event of 150 B',
      x: 'tabs',
      y: 'bytes',
      lines: byTabs(['tabstream', 'native'], steady('serverBytes')),
    }),
  ]
  const style =
    'body{font:14px system-ui;margin:2rem;display:flex;flex-wrap:wrap;gap:2rem;color-scheme:light dark}' +
    'figure{margin:0;width:520px}figcaption{font-weight:600}svg{width:100%}text{font:11px system-ui;fill:currentColor}' +
    'polyline{fill:none;stroke-width:2}.grid{stroke:currentColor;opacity:.15}span{margin-right:1em}' +
    'i{display:inline-block;width:1em;height:3px;margin-right:.4em;vertical-align:middle}'
  return `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>tabstream bench</title><style>${style}</style>\n${pictures.join('\n')}\n</html>\n`
}
