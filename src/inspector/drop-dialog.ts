import { h } from './dom.ts'

/** Asks first: what goes is gone in every tab. A modal dialog keeps the focus, and gives it back, by itself. */
export const createDropDialog = (onDrop: () => void) => {
  const close = () => element.close()
  const element = h(
    'dialog',
    { 'aria-labelledby': 'drop-title', 'aria-describedby': 'drop-words' },
    h('h2', { id: 'drop-title' }, 'Drop the log?'),
    h(
      'p',
      { id: 'drop-words' },
      'Its events go, and every tab of this stream is told to refetch (a reset, before anything newer). The stream goes on; nothing that comes is lost.',
    ),
    h(
      'div',
      { class: 'choices' },
      h('button', { type: 'button', click: close }, 'Keep it'),
      h(
        'button',
        {
          type: 'button',
          class: 'danger',
          click() {
            close()
            onDrop()
          },
        },
        'Drop the log',
      ),
    ),
  )
  return { element, open: () => element.showModal() }
}
