import { byId, element } from './dom.ts'
import { number } from './format.ts'
import type { ServerFigures } from './server.ts'
import type { TabReport } from './tabs.ts'

export interface AccountScene {
  self: number
  tabs: readonly TabReport[]
  server: ServerFigures | null
}

/** Rows that keep their place: one that comes moves nothing that is there. */
const rowsAtLeast = 4
const columns = 7

const cellsOf = (tab: TabReport, { self, server }: AccountScene): string[] => {
  const { account } = tab
  const behind = account.last === 0 || server === null ? 0 : Math.max(0, server.published - account.last)
  return [
    `Tab ${tab.number}${tab.number === self ? ' (this)' : ''}`,
    tab.state,
    account.first === 0 ? '–' : `#${number(account.first)}`,
    number(account.received),
    number(behind),
    number(account.lost),
    number(account.doubled),
  ]
}

/** Who has had what: each tab counts for itself, by the server's numbers. */
export const createAccountView = () => {
  const body = byId('account-rows')
  let drawn = ''

  const row = (cells: readonly string[]) => {
    const line = element('tr')
    const [name = '', ...figures] = cells
    const head = element('th', name)
    head.scope = 'row'
    line.append(head, ...figures.map((figure) => element('td', figure)))
    return line
  }

  const emptyRow = () => {
    const line = element('tr')
    const cell = element('td', '\u00a0')
    cell.colSpan = columns
    line.append(cell)
    return line
  }

  return (scene: AccountScene): void => {
    const { tabs, server } = scene
    const total = (of: (tab: TabReport) => number) => tabs.reduce((sum, tab) => sum + of(tab), 0)
    const [lost, doubled] = [total(({ account }) => account.lost), total(({ account }) => account.doubled)]
    const rows = tabs.map((tab) => cellsOf(tab, scene))
    const state = JSON.stringify([rows, server?.published, server?.connections])
    if (state === drawn) return
    drawn = state

    byId('tabs').textContent = number(tabs.length)
    byId('connections').textContent = server ? number(server.connections) : '?'
    byId('limit').textContent = `of ${server?.limit ?? 2}`
    byId('published').textContent = server ? number(server.published) : '?'
    byId('received').textContent = number(total(({ account }) => account.received))
    byId('lost').textContent = number(lost)
    byId('doubled').textContent = number(doubled)
    byId('lost').dataset.kept = String(lost === 0)
    byId('doubled').dataset.kept = String(doubled === 0)
    const empty = Math.max(0, rowsAtLeast - rows.length)
    body.replaceChildren(...rows.map(row), ...Array.from({ length: empty }, emptyRow))
  }
}
