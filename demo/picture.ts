import { byId } from './dom.ts'
import { count, number } from './format.ts'
import type { HubView } from './hub-watch.ts'
import type { Mode } from './line.ts'
import { onceAFrame } from './once-a-frame.ts'
import { type Box, heightFor, type Layout, layOut, pathOf } from './picture-layout.ts'
import { createPulses } from './pulses.ts'
import type { ServerFigures } from './server.ts'
import { svg } from './svg.ts'
import type { TabReport } from './tabs.ts'

export interface OtherBrowser {
  status: number
}

export interface Scene {
  /** Of the tab that shows it. */
  self: number
  mode: Mode
  /** Of the stream, as this tab sees it. */
  state: string
  server: ServerFigures | null
  hub: HubView | null
  tabs: TabReport[]
  others: OtherBrowser[]
}

const text = (x: number, y: number, content: string, name = '') => svg('text', { x, y, class: name }, content)

const frame = ({ x, y, width, height }: Box, name: string) =>
  svg('rect', { x, y, width, height, rx: 8, class: name })

/** Fits one line of about 6.4 px a character. */
const clip = (content: string, width: number) => {
  const room = Math.floor((width - 24) / 6.4)
  return content.length > room ? `${content.slice(0, Math.max(1, room - 1))}…` : content
}

const kindOf = (tab: TabReport, self: number) =>
  tab.number === self ? 'this tab' : tab.kind === 'frame' ? 'frame' : 'window'

/** @param short for a box with room for a figure and no more */
const newsOf = (scene: Scene, tab: TabReport, short = false): string => {
  if (short && tab.state !== 'refused') return number(tab.account.received)
  if (tab.state === 'refused') return short ? 'refused' : 'refused: hears nothing'
  const received = `${number(tab.account.received)} received`
  const session = scene.hub?.sessions.get(tab.number)
  if (session?.state === 'stalled') return `stands still, ${number(session.lag)} behind`
  if (scene.mode !== 'tabstream') return received
  const behind = scene.hub?.behind.get(tab.number) ?? 0
  return behind > 0 ? `${received}, ${number(behind)} behind` : received
}

/** The picture in words, for who can't see it. */
const describe = (scene: Scene): string => {
  const connections = scene.server?.connections ?? 0
  const held = `${count(connections, 'connection')} of at most ${scene.server?.limit ?? 2} at the server`
  const tabs = scene.tabs.map((tab) => `tab ${tab.number}, ${kindOf(tab, scene.self)}: ${newsOf(scene, tab)}`)
  const way = scene.mode === 'native' ? 'one EventSource a tab' : `one worker, its stream ${scene.state}`
  return `${held}; ${way}; ${tabs.join('; ')}.`
}

const drawServer = (layout: Layout, scene: Scene): Node[] => {
  const { server } = layout
  const { x, y } = server
  const figures = scene.server
  const wide = server.height > 100
  const places = Array.from({ length: figures?.limit ?? 2 }, (_, index) =>
    svg('circle', {
      cx: x + 20 + index * 20,
      cy: y + (wide ? 78 : 70),
      r: 6,
      class: index < (figures?.connections ?? 0) ? 'place taken' : 'place',
    }),
  )
  const held = figures ? `${figures.connections} of ${figures.limit} connections` : 'connections unknown'
  return [
    frame(server, figures ? 'box' : 'box away'),
    text(x + 14, y + 28, 'Server', 'name'),
    text(x + 14, y + 48, figures ? `event ${number(figures.published)}` : 'does not answer', 'quiet'),
    ...places,
    wide ? text(x + 14, y + 106, held) : text(x + 64, y + 75, held),
  ]
}

const drawWorker = (layout: Layout, scene: Scene): Node[] => {
  const { worker, trunk } = layout
  const { x, y } = worker
  const log = scene.hub?.inspection.log
  const status = scene.hub?.inspection.status
  const broken = scene.state !== 'open'
  const middle = { x: (trunk[0].x + trunk[3].x) / 2, y: (trunk[0].y + trunk[3].y) / 2 }
  const lies = trunk[0].y === trunk[3].y
  const label = lies
    ? svg('text', { x: middle.x, y: middle.y - 12, 'text-anchor': 'middle', class: 'state' }, scene.state)
    : svg('text', { x: middle.x - 10, y: middle.y + 4, 'text-anchor': 'end', class: 'state' }, scene.state)
  return [
    svg('path', { d: pathOf(trunk), class: broken ? 'wire broken' : 'wire' }),
    label,
    frame(worker, 'box strong'),
    text(x + 14, y + 28, status?.host === 'worker' ? 'Worker' : 'SharedWorker', 'name'),
    text(
      x + 14,
      y + 48,
      clip(log ? `log: ${number(log.head - log.first + 1)} events` : 'starting', worker.width),
      'quiet',
    ),
    text(x + 14, y + 68, clip(status ? `serves ${count(status.tabs, 'tab')}` : '', worker.width), 'quiet'),
  ]
}

const drawTab = (box: Box, tab: TabReport, scene: Scene): Node[] => {
  const { x, y, width, height } = box
  const own = tab.number === scene.self
  const bad = tab.state === 'refused' || scene.hub?.sessions.get(tab.number)?.state === 'stalled'
  const name = `Tab ${tab.number}`
  const tight = height < 40
  const kind = width > 130 ? ` · ${kindOf(tab, scene.self)}` : own ? ' · this' : ''
  return [
    frame(box, `box${own ? ' own' : ''}${bad ? ' away' : ''}`),
    text(x + 12, y + (tight ? height / 2 + 4 : 21), tight ? name : name + kind, 'name small'),
    tight
      ? text(x + 58, y + height / 2 + 4, clip(newsOf(scene, tab), width - 50), 'quiet small')
      : text(x + 12, y + 39, clip(newsOf(scene, tab, width < 130), width), 'quiet small'),
  ]
}

const drawTabs = (layout: Layout, scene: Scene): Node[] => {
  const native = scene.mode !== 'tabstream'
  const lines = native ? layout.direct : layout.branches
  return layout.tabs.flatMap((box, index) => {
    const tab = scene.tabs[index]!
    const curve = lines[index]!
    const refused = tab.state === 'refused'
    const stands = native ? tab.state === 'open' : (scene.hub?.behind.get(tab.number) ?? 0) === 0
    const [, , , end] = curve
    return [
      svg('path', { d: pathOf(curve), class: refused ? 'wire refused' : stands ? 'wire' : 'wire broken' }),
      ...(refused
        ? [svg('text', { x: end.x - 16, y: end.y + 5, class: 'cross', 'text-anchor': 'middle' }, '✕')]
        : []),
      ...drawTab(box, tab, scene),
    ]
  })
}

const drawOthers = (layout: Layout, scene: Scene): Node[] =>
  scene.others.slice(0, layout.others.length).flatMap(({ status }, index) => {
    const { curve, at } = layout.others[index]!
    const refused = status !== 200
    return [
      svg('path', { d: pathOf(curve), class: refused ? 'wire refused' : 'wire other' }),
      text(
        at.x + 8,
        at.y + 4,
        refused ? `a third browser: ${status}` : 'another browser: open',
        refused ? 'cross small' : 'quiet small',
      ),
    ]
  })

/** Draws the scene whenever it has changed, at most once a frame. */
export const createPicture = () => {
  const place = byId('picture')
  const lines = svg('g')
  const dots = svg('g')
  const root = svg('svg', { role: 'img' }, lines, dots)
  place.replaceChildren(root)
  const pulses = createPulses(dots)
  let layout = layOut(900, 1)
  let scene: Scene | undefined
  let width = 0
  let drawn = ''

  const draw = () => {
    if (!scene || width === 0) return
    const height = heightFor(width)
    layout = layOut(width, scene.tabs.length)
    const native = scene.mode === 'native'
    const description = describe(scene)
    const { log, status } = scene.hub?.inspection ?? {}
    const shown = [
      width,
      scene.self,
      scene.mode,
      scene.server,
      scene.others,
      description,
      log?.head,
      status?.tabs,
    ]
    const state = JSON.stringify(shown)
    if (state === drawn) return
    drawn = state
    root.setAttribute('viewBox', `0 0 ${width} ${height}`)
    root.setAttribute('aria-label', description)
    lines.replaceChildren(
      ...drawTabs(layout, scene),
      ...(native ? [] : drawWorker(layout, scene)),
      ...drawOthers(layout, scene),
      ...drawServer(layout, scene),
      ...(layout.hidden > 0
        ? [
            svg(
              'text',
              { x: width - 2, y: height - 2, 'text-anchor': 'end', class: 'quiet small' },
              `and ${count(layout.hidden, 'more tab')}`,
            ),
          ]
        : []),
    )
  }

  const ask = onceAFrame(draw)

  new ResizeObserver(([entry]) => {
    width = Math.floor(entry!.contentRect.width)
    ask()
  }).observe(place)

  const lineTo = (number: number) => {
    const index = scene?.tabs.findIndex((tab) => tab.number === number) ?? -1
    return (scene?.mode === 'native' ? layout.direct : layout.branches)[index]
  }

  return {
    show(next: Scene): void {
      scene = next
      ask()
    },
    /** Events have come over the one line. */
    arrived: (weight: number) => {
      if (scene?.mode === 'tabstream') pulses.run({ curve: layout.trunk, weight, delay: 0, kind: 'event' })
    },
    /** A tab has received them, `delay` ms after they had set out. */
    received(number: number, weight: number, delay: number): void {
      const curve = lineTo(number)
      if (curve) pulses.run({ curve, weight, delay, kind: 'event' })
    },
    acknowledged(number: number, delay: number): void {
      const curve = lineTo(number)
      if (curve) pulses.run({ curve, weight: 1, delay, kind: 'acknowledgement' })
    },
  }
}

export type Picture = ReturnType<typeof createPicture>
