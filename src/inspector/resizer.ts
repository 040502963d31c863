import { h } from './dom.ts'

/** px */
const LEAST = 160
const STEP = 24
const FIRST = 340

export interface ResizerOptions {
  /** px that there are at most. */
  most(): number
  onResize(height: number): void
}

/** The upper edge, by pointer and by keyboard: a window splitter of the ARIA Authoring Practices. */
export const createResizer = ({ most, onResize }: ResizerOptions): HTMLElement => {
  let height = FIRST

  const set = (to: number) => {
    height = Math.round(Math.max(LEAST, Math.min(to, most())))
    element.setAttribute('aria-valuenow', String(height))
    element.setAttribute('aria-valuemax', String(Math.max(LEAST, Math.round(most()))))
    onResize(height)
  }

  const onKey = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowUp: height + STEP,
      ArrowDown: height - STEP,
      Home: LEAST,
      End: most(),
    }
    const next = steps[event.key]
    if (next === undefined) return
    event.preventDefault()
    set(next)
  }

  const onPointerDown = (event: PointerEvent) => {
    const from = event.clientY + height
    const move = ({ clientY }: PointerEvent) => set(from - clientY)
    element.setPointerCapture(event.pointerId)
    element.addEventListener('pointermove', move)
    element.addEventListener('lostpointercapture', () => element.removeEventListener('pointermove', move), {
      once: true,
    })
  }

  const element = h('div', {
    class: 'resizer',
    role: 'separator',
    tabindex: '0',
    'aria-orientation': 'horizontal',
    'aria-label': 'Height of the inspector',
    'aria-valuemin': LEAST,
    keydown: onKey,
    pointerdown: onPointerDown,
  })
  set(FIRST)
  return element
}
