import type { EventHead } from '../shared/inspection.ts'
import { h, setText } from './dom.ts'
import { kindOf } from './format.ts'

/** The row of controls above the log. */
export interface LogTools {
  element: HTMLElement
  /** The heads whose type or topic contains the filter's text. */
  filtered(heads: EventHead[]): EventHead[]
  paused(): boolean
  /** @param types offered as completions; @param hasOlder whether "Older" can bring more */
  show(types: string[], summary: string, hasOlder: boolean): void
}

export interface LogToolsOptions {
  /** The filter or the pause has changed. */
  onChange(): void
  onOlder(): void
}

export const createLogTools = ({ onChange, onOlder }: LogToolsOptions): LogTools => {
  let paused = false
  const filter = h('input', {
    type: 'search',
    placeholder: 'Filter by type or topic',
    'aria-label': 'Filter by type or topic',
    list: 'types',
    spellcheck: 'false',
    autocomplete: 'off',
    input: onChange,
  })
  const completions = h('datalist', { id: 'types' })
  const togglePause = () => {
    paused = !paused
    pause.setAttribute('aria-pressed', String(paused))
    pause.textContent = paused ? 'Resume' : 'Pause'
    onChange()
  }
  const pause = h('button', { type: 'button', 'aria-pressed': 'false', click: togglePause }, 'Pause')
  const older = h('button', { type: 'button', click: onOlder }, 'Older')
  const summaryLine = h('span', { class: 'muted summary' })

  return {
    element: h('div', { class: 'tools' }, filter, completions, pause, older, summaryLine),
    filtered(heads) {
      const wanted = filter.value.trim().toLowerCase()
      return heads.filter((head) => kindOf(head).toLowerCase().includes(wanted))
    },
    paused: () => paused,
    show(types, summary, hasOlder) {
      if (completions.childElementCount !== types.length)
        completions.replaceChildren(...types.map((type) => h('option', { value: type })))
      setText(summaryLine, summary)
      older.disabled = !hasOlder
    },
  }
}
