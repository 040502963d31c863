import { h } from './dom.ts'
import { createDropDialog } from './drop-dialog.ts'
import { icon } from './icons.ts'
import { makeReport } from './report.ts'
import type { Snapshot, Workplace } from './snapshot.ts'

/** ms after which a download has its bytes. */
const DOWNLOADED = 10_000

export interface ActionsOptions extends Workplace {
  snapshot(): Snapshot
  /** What is shown is old by now. */
  refresh(): void
}

/** What one can do beside looking. */
export const createActions = ({ stream, say, copy, snapshot, refresh }: ActionsOptions) => {
  const action = (
    name: Parameters<typeof icon>[0],
    label: string,
    run: () => void,
    more: Record<string, string> = {},
  ) =>
    h(
      'button',
      { type: 'button', class: 'action', title: label, 'aria-label': label, click: run, ...more },
      icon(name),
      h('span', { class: 'label' }, label),
    )

  const reconnect = () => {
    stream.reconnect()
    say('Reconnecting.')
    refresh()
  }
  const dialog = createDropDialog(() => {
    stream.dropLog()
    say('Asked for: every tab gets a reset.')
    refresh()
  })
  const report = () =>
    makeReport(stream, snapshot(), {
      now: Date.now(),
      href: location.href,
      userAgent: navigator.userAgent,
      visibility: document.visibilityState,
      online: navigator.onLine,
    })
  const save = async () => {
    const url = URL.createObjectURL(new Blob([await report()], { type: 'application/json' }))
    const name = `tabstream-report-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`
    h('a', { href: url, download: name }).click()
    setTimeout(() => URL.revokeObjectURL(url), DOWNLOADED)
    say('Report saved.')
  }

  return {
    element: h(
      'div',
      { class: 'actions', role: 'group', 'aria-label': 'Actions' },
      action('reconnect', 'Reconnect', reconnect),
      action('drop', 'Drop log', dialog.open, { 'aria-haspopup': 'dialog' }),
      action('copy', 'Copy report', () => copy(report(), 'Report')),
      action('save', 'Save report', () => void save()),
    ),
    dialog: dialog.element,
  }
}
