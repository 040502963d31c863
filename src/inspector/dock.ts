import { h, setText } from './dom.ts'
import { icon, mark } from './icons.ts'
import { createResizer } from './resizer.ts'
import type { Snapshot } from './snapshot.ts'
import { toneOf, wordsOf } from './tone.ts'

/** The frame around the panels, and the button that opens it. */
export interface Dock {
  elements: [dock: HTMLElement, button: HTMLElement]
  showStatus(status: Snapshot['status']): void
  /** @param problem why the worker gave no answer; `''`: it did */
  showProblem(problem: string): void
  /** Puts the focus on the button that opens the inspector. */
  focusButton(): void
}

export interface DockOptions {
  /** The element itself: gets its height. */
  host: HTMLElement
  onToggle(open: boolean): void
  /** What the bar holds beside the brand, the state and the button that closes. */
  bar: HTMLElement[]
  panels: HTMLElement[]
  dialog: HTMLElement
}

const createOpener = (state: HTMLElement, onOpen: () => void) =>
  h(
    'button',
    { type: 'button', class: 'opener', 'aria-expanded': 'false', click: onOpen },
    mark(),
    h('span', { class: 'hidden' }, 'Open the tabstream inspector: '),
    state,
  )

const createCloser = (onClose: () => void) => {
  const label = 'Close the inspector'
  const names = { 'aria-label': label, title: label }
  return h('button', { type: 'button', class: 'quiet collapse', ...names, click: onClose }, icon('collapse'))
}

export const createDock = ({ host, onToggle, bar, panels, dialog }: DockOptions): Dock => {
  const pill = h('span', { class: 'state' })
  const buttonState = h('span', { class: 'state' })
  const problemLine = h('p', { class: 'callout problem', 'data-tone': 'warn', hidden: true })
  const resizer = createResizer({
    most: () => innerHeight * 0.9,
    onResize: (height) => host.style.setProperty('--height', `${height}px`),
  })
  const button = createOpener(buttonState, () => onToggle(true))
  const brand = h('span', { class: 'brand' }, mark(), h('span', { class: 'word' }, 'tabstream'))
  const closer = createCloser(() => onToggle(false))
  const dock = h(
    'section',
    { class: 'dock', 'aria-label': 'tabstream inspector' },
    resizer,
    h('header', { class: 'bar' }, brand, pill, ...bar, closer),
    h('div', { class: 'body' }, problemLine, ...panels),
    dialog,
  )

  return {
    elements: [dock, button],
    showStatus(status) {
      for (const element of [pill, buttonState]) {
        setText(element, wordsOf(status))
        element.dataset.tone = toneOf(status)
      }
    },
    showProblem(problem) {
      problemLine.hidden = problem === ''
      setText(problemLine, problem === '' ? '' : `No answer from the worker: ${problem}`)
    },
    focusButton: () => button.focus(),
  }
}
