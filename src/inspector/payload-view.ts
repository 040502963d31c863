import type { EventHead } from '../shared/inspection.ts'
import { h, setText } from './dom.ts'
import { clock, count, kindOf } from './format.ts'
import { icon } from './icons.ts'

/** Characters of a payload that are shown; all of it can be copied. */
const SHOWN = 100_000

export interface PayloadViewOptions {
  copy(text: string, what: string): void
  onClose(): void
}

/** JSON with its lines; anything else as it came. */
export const pretty = (data: string): string => {
  try {
    return JSON.stringify(JSON.parse(data), null, 2)
  } catch {
    return data
  }
}

/** One event, with its payload once that is there. */
export const createPayloadView = ({ copy, onClose }: PayloadViewOptions) => {
  const title = h('h3', {})
  const details = h('p', { class: 'muted mono' })
  const text = h('pre', { tabindex: '0', 'aria-label': 'Payload' })
  const note = h('p', { class: 'muted' })
  let head: EventHead | null = null
  let payload: string | null = null

  const copyIt = h(
    'button',
    { type: 'button', click: () => payload !== null && copy(payload, 'Payload') },
    icon('copy'),
    'Copy payload',
  )
  const close = h(
    'button',
    { type: 'button', class: 'quiet', 'aria-label': 'Close payload', click: onClose },
    icon('close'),
  )
  const element = h(
    'section',
    { class: 'payload', 'aria-label': 'Event', hidden: true },
    h('header', {}, title, copyIt, close),
    details,
    note,
    text,
  )

  const put = (data: string | null, said: string) => {
    payload = data
    copyIt.disabled = data === null
    setText(text, data === null ? '' : pretty(data).slice(0, SHOWN))
    text.hidden = data === null
    const cut = data !== null && pretty(data).length > SHOWN
    setText(note, cut ? `The first ${count(SHOWN)} characters; “Copy payload” takes all of them.` : said)
    note.hidden = note.textContent === ''
  }

  return {
    element,
    show(of: EventHead, loading: Promise<string | null>) {
      head = of
      element.hidden = false
      setText(title, kindOf(of))
      setText(
        details,
        `seq ${of.seq} · ${clock(of.at)} · id ${of.id || 'none'} · ${count(of.size)} characters`,
      )
      put(null, 'Loading …')
      loading.then(
        (data) => head === of && put(data, data === null ? 'No longer in the log.' : ''),
        (error) => head === of && put(null, (error as Error).message),
      )
    },
    hide() {
      head = payload = null
      element.hidden = true
    },
  }
}
