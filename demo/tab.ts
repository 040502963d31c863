import { createAccount } from './account.ts'
import { createLine, type Mode } from './line.ts'
import { type Command, joinTabs, type TabReport } from './tabs.ts'

export interface TabOptions {
  user: string
  kind: TabReport['kind']
  onEvent: (type: string, data: string) => void
  onReset: (reason: string) => void
  onError: (message: string) => void
  /** Something of this tab or of another has changed. */
  onChange: (all: TabReport[], self: number) => void
  onGone: (report: TabReport) => void
}

/** In which way the tabs of this browser listen: one that is opened later must do as the others do. */
const modeKey = 'tabstream-demo:mode'

/** Holds up this page's main thread, as a long task or a debugger's breakpoint would. @returns ms */
const blockFor = (milliseconds: number): number => {
  const started = performance.now()
  while (performance.now() - started < milliseconds);
  return performance.now() - started
}

/** The label of an event that is for one user's eyes only, by which a leak would show. */
export const privateLabel = (user: string): string => `private:${user}`

/** What a tab of the demo is, in a window or in a frame: a line, an account of what came, and a word to the others. */
export const openTab = async ({ user, kind, onEvent, onReset, onError, onChange, onGone }: TabOptions) => {
  const accounts = { tabstream: createAccount(), native: createAccount() }
  let foreign = 0
  let frozen = 0

  const account = () => (line.mode() === 'native' ? accounts.native : accounts.tabstream)

  const show = () => {
    if (tabs) onChange(tabs.all(), tabs.number)
  }

  const changed = () => {
    tabs?.report({
      kind,
      name: window.name,
      mode: line.mode(),
      state: line.state(),
      account: account().read(),
      foreign,
      frozen,
    })
    show()
  }

  const line = createLine({
    user,
    onEvent(type, id, data) {
      account().take(id)
      if (data.includes('"private:') && !data.includes(`"${privateLabel(user)}"`)) foreign += 1
      onEvent(type, data)
      changed()
    },
    onReset(reason) {
      accounts.tabstream.reset()
      onReset(reason)
    },
    onError,
    onChange: changed,
  })

  const use = (mode: Mode) => {
    if (mode === 'native') accounts.native = createAccount()
    line.use(mode)
  }

  const onCommand = (command: Command) => {
    if (command.kind === 'mode') use(command.mode)
    if (command.kind === 'freeze' && command.tab === tabs?.number) {
      frozen = blockFor(command.milliseconds)
      changed()
    }
  }

  let tabs: Awaited<ReturnType<typeof joinTabs>> | undefined
  tabs = await joinTabs({ user, onChange: show, onGone, onCommand })
  use(localStorage.getItem(modeKey) === 'native' ? 'native' : 'tabstream')

  return {
    line,
    tabs,
    /** In every tab, and in those to come. */
    useEverywhere(mode: Mode): void {
      if (mode === 'native') localStorage.setItem(modeKey, mode)
      else localStorage.removeItem(modeKey)
      tabs.send({ kind: 'mode', mode })
    },
  }
}

export type DemoTab = Awaited<ReturnType<typeof openTab>>
