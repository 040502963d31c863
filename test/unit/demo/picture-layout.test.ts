import { describe, expect, test } from 'vitest'
import { type Box, heightFor, layOut, pointOn } from '../../../demo/picture-layout.ts'

const isInside = ({ x, y, width, height }: Box, room: number) =>
  x >= 0 && y >= 0 && x + width <= room && y + height <= heightFor(room)

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height

describe.each([290, 360, 600, 640, 900, 1_300])('in %i px', (width) => {
  test.each([1, 2, 3, 4, 6, 7, 12])(
    '%i tabs are all inside, over nothing else, or counted as hidden',
    (count) => {
      const { server, worker, tabs, hidden } = layOut(width, count)
      expect(tabs.length + hidden).toBe(count)
      expect(tabs.length).toBeGreaterThan(0)
      const boxes = [server, worker, ...tabs]
      for (const [index, box] of boxes.entries()) {
        expect(isInside(box, width)).toBe(true)
        for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false)
      }
    },
  )
})

test('a dot begins at one end of its line and ends at the other', () => {
  const { trunk, branches } = layOut(900, 3)
  for (const curve of [trunk, ...branches]) {
    expect(pointOn(curve, 0)).toEqual(curve[0])
    expect(pointOn(curve, 1)).toEqual(curve[3])
  }
})
