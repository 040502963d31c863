import { h, setText } from './dom.ts'

/** ms for which a word about what was done stays. */
const SAID_FOR = 4_000

/** One line that tells for a moment what was done, also to a screen reader. */
export interface SpokenLine {
  element: HTMLElement
  say(message: string): void
  close(): void
}

export const createSpokenLine = (): SpokenLine => {
  const element = h('p', { class: 'said muted', role: 'status' })
  let silence: ReturnType<typeof setTimeout> | undefined
  return {
    element,
    say(message) {
      clearTimeout(silence)
      setText(element, message)
      silence = setTimeout(() => setText(element, ''), SAID_FOR)
    },
    close: () => clearTimeout(silence),
  }
}
