import { type Curve, pointOn } from './picture-layout.ts'
import { svg } from './svg.ts'

/** ms along one line. */
export const TRAVEL = 420
/** More dots at once than this tell nothing more. */
const most = 48
const steps = 14

export interface Pulse {
  curve: Curve
  /** Events that travel together. */
  weight: number
  /** ms */
  delay: number
  /** An acknowledgement goes the other way. */
  kind: 'event' | 'acknowledgement'
}

/** Dots that run along a line. Each is caused by a delivery that has happened; none is by a timer. */
export const createPulses = (layer: Element) => {
  const reduced = matchMedia('(prefers-reduced-motion: reduce)')
  let running = 0

  return {
    run({ curve, weight, delay, kind }: Pulse): void {
      if (reduced.matches || document.hidden || running >= most) return
      running += 1
      const radius = kind === 'event' ? Math.min(9, 4 + Math.log10(weight) * 2) : 2.5
      const dot = svg('circle', { r: radius, class: `pulse ${kind}`, opacity: 0 })
      layer.append(dot)
      const keyframes = Array.from({ length: steps + 1 }, (_, index) => {
        const share = index / steps
        const { x, y } = pointOn(curve, kind === 'event' ? share : 1 - share)
        return { transform: `translate(${x}px, ${y}px)`, opacity: 1 }
      })
      const animation = dot.animate(keyframes, { duration: TRAVEL, delay, easing: 'ease-in-out' })
      animation.onfinish = animation.oncancel = () => {
        running -= 1
        dot.remove()
      }
    },
  }
}

export type Pulses = ReturnType<typeof createPulses>
