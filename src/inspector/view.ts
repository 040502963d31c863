import type { Inspected } from '../stream.ts'
import { createActions } from './actions.ts'
import { h, setText } from './dom.ts'
import { icon, mark } from './icons.ts'
import { createLogPanel } from './log-panel.ts'
import { createMetricsPanel } from './metrics-panel.ts'
import { createPoll } from './poll.ts'
import { createResizer } from './resizer.ts'
import { createSamples } from './samples.ts'
import type { Panel, Snapshot, Workplace } from './snapshot.ts'
import { createStreamPanel } from './stream-panel.ts'
import { createTabList } from './tab-list.ts'
import { createTabsPanel } from './tabs-panel.ts'
import { createTimelinePanel } from './timeline-panel.ts'
import { toneOf, wordsOf } from './tone.ts'

/** ms that a word of what was done stays. */
const SAID_FOR = 4_000

export interface ViewOptions {
  stream: Inspected
  /** The element itself: gets its height. */
  host: HTMLElement
  isOpen(): boolean
  onToggle(open: boolean): void
}

/** All that the element shows of one stream, wired. */
export const createView = ({ stream, host, isOpen, onToggle }: ViewOptions) => {
  const samples = createSamples()
  let snapshot: Snapshot = {
    at: Date.now(),
    status: stream.status,
    inspection: null,
    metrics: null,
    problem: '',
  }

  const said = h('p', { class: 'said muted', role: 'status' })
  let silence: ReturnType<typeof setTimeout> | undefined
  const say = (message: string) => {
    clearTimeout(silence)
    setText(said, message)
    silence = setTimeout(() => setText(said, ''), SAID_FOR)
  }
  const copy = (text: string | Promise<string>, what: string) => {
    const blob = Promise.resolve(text).then((said) => new Blob([said], { type: 'text/plain' }))
    // As a promise: WebKit lets only what was begun in the press itself write there.
    void navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]).then(
      () => say(`${what} copied.`),
      (error: Error) => say(`Not copied: ${error.message}`),
    )
  }

  const workplace: Workplace = { stream, say, copy }
  const panels: Panel[] = [
    createStreamPanel(),
    createTabsPanel(),
    createLogPanel(workplace),
    createTimelinePanel(),
    createMetricsPanel(samples),
  ]
  const tabList = createTabList(panels, () => {
    panel().show(snapshot)
    poll.now()
  })
  const panel = (): Panel => panels.find(({ name }) => name === tabList.chosen())!

  const actions = createActions({ ...workplace, snapshot: () => snapshot, refresh: () => poll.now() })
  const pill = h('span', { class: 'state' })
  const buttonState = h('span', { class: 'state' })
  const problem = h('p', { class: 'callout problem', 'data-tone': 'warn', hidden: true })
  const body = h('div', { class: 'body' }, problem, ...panels.map(({ element }) => element))
  const collapse = h(
    'button',
    {
      type: 'button',
      class: 'quiet collapse',
      'aria-label': 'Close the inspector',
      title: 'Close the inspector',
      click: () => onToggle(false),
    },
    icon('collapse'),
  )
  const resizer = createResizer({
    most: () => innerHeight * 0.9,
    onResize: (height) => host.style.setProperty('--height', `${height}px`),
  })
  const dock = h(
    'section',
    { class: 'dock', 'aria-label': 'tabstream inspector' },
    resizer,
    h(
      'header',
      { class: 'bar' },
      h('span', { class: 'brand' }, mark(), h('span', { class: 'word' }, 'tabstream')),
      pill,
      tabList.element,
      said,
      actions.element,
      collapse,
    ),
    body,
    actions.dialog,
  )
  const button = h(
    'button',
    { type: 'button', class: 'opener', 'aria-expanded': 'false', click: () => onToggle(true) },
    mark(),
    h('span', { class: 'hidden' }, 'Open the tabstream inspector: '),
    buttonState,
  )

  const showStatus = () => {
    for (const element of [pill, buttonState]) {
      setText(element, wordsOf(snapshot.status))
      element.dataset.tone = toneOf(snapshot.status)
    }
  }

  const show = () => {
    showStatus()
    problem.hidden = snapshot.problem === ''
    setText(problem, snapshot.problem === '' ? '' : `No answer from the worker: ${snapshot.problem}`)
    panel().show(snapshot)
  }

  const poll = createPoll({
    isSeen: () => host.checkVisibility?.() !== false,
    async ask() {
      const asking = panel()
      try {
        const [inspection, metrics] = await Promise.all([stream.inspect(asking.ask?.()), stream.metrics()])
        const at = Date.now()
        samples.add({ at, incarnation: inspection.incarnation, metrics })
        snapshot = { at, status: stream.status, inspection, metrics, problem: '' }
        // Asked for by one panel, and of no use to another that was chosen meanwhile: it asks itself.
        if (asking !== panel()) return
      } catch (error) {
        snapshot = { ...snapshot, at: Date.now(), status: stream.status, problem: (error as Error).message }
      }
      show()
    },
  })

  /** Runs while it is open, in a page that is in view. */
  const follow = () => {
    if (isOpen() && !document.hidden) poll.start()
    else poll.stop()
  }
  const stopStatus = stream.onStatus((status) => {
    snapshot = { ...snapshot, status }
    showStatus()
    if (isOpen()) poll.now()
  })
  document.addEventListener('visibilitychange', follow)
  show()
  follow()

  return {
    elements: [dock, button],
    /** Opened or closed. */
    toggled(byHand: boolean) {
      follow()
      if (!byHand) return
      if (isOpen()) tabList.focus()
      else button.focus()
    },
    close() {
      poll.stop()
      stopStatus()
      clearTimeout(silence)
      document.removeEventListener('visibilitychange', follow)
      for (const { close } of panels) close?.()
    },
  }
}
