import { byId, element } from './dom.ts'
import { time } from './format.ts'
import { notice } from './notice.ts'
import type { TabReport } from './tabs.ts'

/** More of them are too small to read. */
const most = 4

/**
 * Tabs side by side: frames of this page. Each is a tab like another to the library, with its own client, session and
 * locks. No page can crash a tab, so "crash" tears the frame down with no `pagehide` for the library to hear.
 */
export const createFrames = () => {
  const place = byId('frames')
  const add = byId('add-frame')
  const leaving = new Map<string, number>()
  let made = 0

  const showRoom = () => add.setAttribute('aria-disabled', String(place.childElementCount >= most))

  const open = () => {
    if (place.childElementCount >= most) return
    made += 1
    const name = `frame-${made}`
    const holder = element('div', '', 'frame')
    const frame = element('iframe')
    frame.name = name
    frame.title = `A tab in a frame, number ${made}`
    frame.src = '?frame'
    const end = (how: 'closed' | 'crashed') => {
      // As frame.ts reads it at its end.
      if (how === 'crashed') frame.contentDocument!.documentElement.dataset.ends = how
      leaving.set(name, performance.now())
      holder.remove()
      showRoom()
      add.focus()
    }
    const button = (label: string, how: 'closed' | 'crashed') => {
      const created = element('button', label, 'small')
      created.type = 'button'
      created.setAttribute('aria-label', `${label} frame ${made}`)
      created.addEventListener('click', () => end(how))
      return created
    }
    const buttons = element('div', '', 'frame-buttons')
    buttons.append(button('Close', 'closed'), button('Crash', 'crashed'))
    holder.append(frame, buttons)
    place.append(holder)
    showRoom()
  }

  add.addEventListener('click', open)

  return {
    /** So many frames at least. */
    ensure(count: number): void {
      while (place.childElementCount < Math.min(most, count)) open()
    },
    /** Its lock is free: says how soon. */
    gone({ number, name }: TabReport): void {
      const at = leaving.get(name)
      leaving.delete(name)
      notice(
        at === undefined
          ? `Tab ${number} has gone.`
          : `Tab ${number} has gone: noticed ${time(performance.now() - at)} after.`,
      )
    },
  }
}

export type Frames = ReturnType<typeof createFrames>
