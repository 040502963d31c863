import { byId, element } from './dom.ts'

const longest = 50

/** The last events of this tab, newest first, and how many there were. */
export const createEventList = () => {
  const list = byId('event-list')
  let received = 0

  const add = (item: HTMLElement) => {
    list.prepend(item)
    while (list.children.length > longest) list.lastElementChild?.remove()
  }

  return {
    event(type: string, id: string, data: string): void {
      received += 1
      byId('received').textContent = String(received)
      const item = element('li')
      item.value = received
      item.append(element('b', type), element('small', id), element('code', data))
      add(item)
    },

    /** Something that happened to the stream rather than on it. */
    note(text: string): void {
      add(element('li', text, 'note'))
    },
  }
}
