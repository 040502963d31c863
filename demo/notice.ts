import { byId } from './dom.ts'

/** ms for which it stays: it lies over the page. What a fault came to stays in its card. */
const stay = 8_000
let timer: number | undefined

/** Says what has happened, to whoever looks and to a screen reader. */
export const notice = (text: string): void => {
  byId('notice').textContent = text
  clearTimeout(timer)
  timer = window.setTimeout(() => {
    byId('notice').textContent = ''
  }, stay)
}
