import { byId } from './dom.ts'

/** Says what has happened, to whoever looks and to a screen reader. */
export const notice = (text: string): void => {
  byId('notice').textContent = text
}
