import { h, setText } from './dom.ts'

export interface Field {
  element: HTMLElement
  show(text: string, tone?: string): void
}

/** A name and what it stands at. */
export const createField = (label: string, title = ''): Field => {
  const value = h('dd', {})
  const element = h('div', { class: 'field', ...(title === '' ? {} : { title }) }, h('dt', {}, label), value)
  return {
    element,
    show(text, tone = '') {
      setText(value, text)
      value.dataset.tone = tone
    },
  }
}

export const createGroup = (label: string, fields: Field[]): HTMLElement =>
  h('section', { class: 'group' }, h('h3', {}, label), h('dl', {}, ...fields.map(({ element }) => element)))
