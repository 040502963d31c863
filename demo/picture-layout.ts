/** Where everything of the picture is, in CSS pixels. Pure: knows neither the DOM nor what goes on. */

export interface Point {
  x: number
  y: number
}

export interface Box extends Point {
  width: number
  height: number
}

/** A cubic Bézier curve. */
export type Curve = [Point, Point, Point, Point]

export interface Layout {
  server: Box
  worker: Box
  tabs: Box[]
  /** How many tabs have no box of their own: there is no room. */
  hidden: number
  /** Server to worker. */
  trunk: Curve
  /** Worker to each tab. */
  branches: Curve[]
  /** Server to each tab, without a worker. */
  direct: Curve[]
  /** Connections of other browsers, and their ends. */
  others: { curve: Curve; at: Point }[]
}

/** Narrower than this it goes from the top to the bottom. */
const upright = 640

export const heightFor = (width: number): number => (width < upright ? 400 : 272)

/** How many boxes fit. */
const roomFor = (width: number): number => (width < upright ? 6 : 7)

const between = (from: Point, to: Point, along: 'x' | 'y'): Curve => {
  const middle = (from[along] + to[along]) / 2
  return [from, { ...from, [along]: middle }, { ...to, [along]: middle }, to]
}

const lying = (width: number, count: number): Omit<Layout, 'hidden'> => {
  const height = heightFor(width)
  const side = Math.min(196, width * 0.24)
  const center = height / 2
  const server = { x: 1, y: center - 62, width: side, height: 124 }
  const workerWidth = Math.min(180, width * 0.22)
  const worker = { x: width * 0.5 - workerWidth / 2, y: center - 43, width: workerWidth, height: 86 }
  const tabWidth = Math.min(204, width * 0.28)
  const step = Math.min(60, height / Math.max(1, count))
  const tabHeight = Math.min(50, step - 6)
  const top = center - (step * count) / 2 + (step - tabHeight) / 2
  const tabs = Array.from({ length: count }, (_, index) => ({
    x: width - tabWidth - 1,
    y: top + index * step,
    width: tabWidth,
    height: tabHeight,
  }))
  const serverOut = { x: server.x + server.width, y: center }
  const workerIn = { x: worker.x, y: center }
  const workerOut = { x: worker.x + worker.width, y: center }
  const tabIn = (tab: Box) => ({ x: tab.x, y: tab.y + tab.height / 2 })
  return {
    server,
    worker,
    tabs,
    trunk: between(serverOut, workerIn, 'x'),
    branches: tabs.map((tab) => between(workerOut, tabIn(tab), 'x')),
    direct: tabs.map((tab) => between(serverOut, tabIn(tab), 'x')),
    others: [height - 40, height - 12].map((y) => {
      const at = { x: worker.x - 6, y }
      return { curve: between({ x: serverOut.x, y: server.y + server.height - 18 }, at, 'x'), at }
    }),
  }
}

const standing = (width: number, count: number): Omit<Layout, 'hidden'> => {
  const height = heightFor(width)
  const columns = Math.min(3, Math.max(1, count))
  const rows = Math.ceil(count / columns)
  const gap = 8
  const server = { x: 1, y: 1, width: width - 2, height: 92 }
  const worker = { x: width * 0.09, y: 166, width: width * 0.82, height: 84 }
  const tabWidth = (width - 2 - gap * (columns - 1)) / columns
  const tabHeight = 54
  const tabs = Array.from({ length: count }, (_, index) => ({
    x: 1 + (index % columns) * (tabWidth + gap),
    y: height - 1 - (rows - Math.floor(index / columns)) * (tabHeight + gap) + gap,
    width: tabWidth,
    height: tabHeight,
  }))
  const middle = width * 0.3
  const serverOut = { x: middle, y: server.y + server.height }
  const workerIn = { x: middle, y: worker.y }
  const workerOut = { x: width / 2, y: worker.y + worker.height }
  const tabIn = (tab: Box) => ({ x: tab.x + tab.width / 2, y: tab.y })
  return {
    server,
    worker,
    tabs,
    trunk: between(serverOut, workerIn, 'y'),
    branches: tabs.map((tab) => between(workerOut, tabIn(tab), 'y')),
    direct: tabs.map((tab) => between({ x: width / 2, y: serverOut.y }, tabIn(tab), 'y')),
    others: [0, 1].map((index) => {
      const at = { x: width * 0.52, y: 118 + index * 26 }
      return { curve: between({ x: width * 0.46, y: serverOut.y }, at, 'y'), at }
    }),
  }
}

export const layOut = (width: number, count: number): Layout => {
  const room = roomFor(width)
  const shown = Math.min(count, room)
  return { ...(width < upright ? standing(width, shown) : lying(width, shown)), hidden: count - shown }
}

export const pathOf = ([from, a, b, to]: Curve): string =>
  `M${from.x} ${from.y}C${a.x} ${a.y} ${b.x} ${b.y} ${to.x} ${to.y}`

/** The point at `t` from 0 to 1. */
export const pointOn = ([from, a, b, to]: Curve, t: number): Point => {
  const at = (axis: 'x' | 'y') => {
    const u = 1 - t
    return u ** 3 * from[axis] + 3 * u * u * t * a[axis] + 3 * u * t * t * b[axis] + t ** 3 * to[axis]
  }
  return { x: at('x'), y: at('y') }
}
