import type { Inspected } from '../stream.ts'
import { createActions } from './actions.ts'
import { createCopy } from './clipboard.ts'
import { createDock } from './dock.ts'
import { createLogPanel } from './log-panel.ts'
import { createMetricsPanel } from './metrics-panel.ts'
import { createPoll } from './poll.ts'
import { createSamples } from './samples.ts'
import type { Panel, Snapshot, Workplace } from './snapshot.ts'
import { createSpokenLine } from './spoken-line.ts'
import { createStreamPanel } from './stream-panel.ts'
import { createTabList } from './tab-list.ts'
import { createTabsPanel } from './tabs-panel.ts'
import { createTimelinePanel } from './timeline-panel.ts'
import { createTopicsPanel } from './topics-panel.ts'

export interface ViewOptions {
  stream: Inspected
  /** The element itself: gets its height. */
  host: HTMLElement
  isOpen(): boolean
  onToggle(open: boolean): void
}

/** What the element shows of one stream. */
export interface View {
  elements: HTMLElement[]
  /** The element was opened or closed; @param byHand by the user, whose focus then follows */
  toggled(byHand: boolean): void
  close(): void
}

const firstSnapshot = ({ status }: Inspected): Snapshot => ({
  at: Date.now(),
  status,
  inspection: null,
  metrics: null,
  problem: '',
})

/** Wires all that the element shows of one stream. */
export const createView = ({ stream, host, isOpen, onToggle }: ViewOptions): View => {
  const samples = createSamples()
  let snapshot = firstSnapshot(stream)
  const line = createSpokenLine()
  const workplace: Workplace = { stream, say: line.say, copy: createCopy(line.say) }
  const panels: Panel[] = [
    createStreamPanel(),
    createTabsPanel(),
    createTopicsPanel(),
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
  const dock = createDock({
    host,
    onToggle,
    bar: [tabList.element, line.element, actions.element],
    panels: panels.map(({ element }) => element),
    dialog: actions.dialog,
  })

  const show = () => {
    dock.showStatus(snapshot.status)
    dock.showProblem(snapshot.problem)
    panel().show(snapshot)
  }
  const ask = async () => {
    const asking = panel()
    try {
      const [inspection, metrics] = await Promise.all([stream.inspect(asking.ask?.()), stream.metrics()])
      const at = Date.now()
      samples.add({ at, incarnation: inspection.incarnation, metrics })
      snapshot = { at, status: stream.status, inspection, metrics, problem: '' }
      // The answer is of no use to a panel that was chosen meanwhile: that panel asks for its own.
      if (asking !== panel()) return
    } catch (error) {
      snapshot = { ...snapshot, at: Date.now(), status: stream.status, problem: (error as Error).message }
    }
    show()
  }
  const poll = createPoll({ isSeen: () => host.checkVisibility?.() !== false, ask })

  /** The poll runs while the inspector is open in a page that is in view (I3). */
  const follow = () => {
    if (isOpen() && !document.hidden) poll.start()
    else poll.stop()
  }
  const stopStatus = stream.onStatus((status) => {
    snapshot = { ...snapshot, status }
    dock.showStatus(status)
    if (isOpen()) poll.now()
  })
  document.addEventListener('visibilitychange', follow)
  show()
  follow()

  return {
    elements: dock.elements,
    toggled(byHand) {
      follow()
      if (!byHand) return
      if (isOpen()) tabList.focus()
      else dock.focusButton()
    },
    close() {
      poll.stop()
      stopStatus()
      line.close()
      document.removeEventListener('visibilitychange', follow)
      for (const { close } of panels) close?.()
    },
  }
}
