import type { Account } from './account.ts'
import type { Mode } from './line.ts'

export interface TabReport {
  number: number
  kind: 'window' | 'frame'
  /** `window.name`: which of its parent's frames it is. */
  name: string
  mode: Mode
  /** Of the stream, or of the EventSource, as this tab sees it. */
  state: string
  account: Account
  /** Events of another user: none, ever. */
  foreign: number
  /** ms for which its main thread stood still the last time that it was told to. */
  frozen: number
}

export type Command = { kind: 'mode'; mode: Mode } | { kind: 'freeze'; tab: number; milliseconds: number }

type Message = { kind: 'report'; report: TabReport } | { kind: 'who' } | { kind: 'command'; command: Command }

export interface TabsOptions {
  user: string
  /** Another tab has come, changed or gone. */
  onChange: () => void
  /** The browser has freed a tab's lock: closed, crashed or navigated away. */
  onGone: (report: TabReport) => void
  onCommand: (command: Command) => void
}

/** ms between two reports: 10,000 events are not 10,000 messages. */
const spacing = 60

/** Never settles: the lock is free once the tab is gone, however it went. */
const forever = () => new Promise<never>(() => {})

const take = (name: string): Promise<boolean> =>
  new Promise((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null)
      return lock === null ? undefined : forever()
    })
  })

export const lockOf = (user: string, number: number): string => `tabstream-demo:${user}:tab:${number}`

/**
 * What the demo's tabs tell each other, apart from the library, so that they can check it: each has a number, for as
 * long as it holds that number's Web Lock, and says over a BroadcastChannel what it has received.
 */
export const joinTabs = async ({ user, onChange, onGone, onCommand }: TabsOptions) => {
  let number = 1
  while (!(await take(lockOf(user, number)))) number += 1
  const channel = new BroadcastChannel(`tabstream-demo:${user}`)
  const others = new Map<number, TabReport>()
  let own: TabReport | undefined
  let timer: number | undefined

  const post = (message: Message) => channel.postMessage(message)
  const tell = () => {
    if (own) post({ kind: 'report', report: own })
  }

  /** Granted once the tab has let go of it. Shared: all who wait are told together. */
  const watch = (tab: number) => {
    void navigator.locks.request(lockOf(user, tab), { mode: 'shared' }, () => {
      const gone = others.get(tab)
      others.delete(tab)
      if (gone) onGone(gone)
      onChange()
    })
  }

  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === 'who') tell()
    if (data.kind === 'command') onCommand(data.command)
    if (data.kind !== 'report') return
    const { report } = data
    if (!others.has(report.number)) watch(report.number)
    others.set(report.number, report)
    onChange()
  }
  post({ kind: 'who' })
  // A page that comes back from the cache has neither its lock nor its place among the others any more.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

  return {
    number,

    /** At once, where the last one is a while ago. */
    report(report: Omit<TabReport, 'number'>): void {
      own = { ...report, number }
      if (timer !== undefined) return
      tell()
      const told = own
      timer = window.setTimeout(() => {
        timer = undefined
        if (own !== told) tell()
      }, spacing)
    },

    /** This tab and the others, by number. */
    all: (): TabReport[] => [...(own ? [own] : []), ...others.values()].sort((a, b) => a.number - b.number),

    /** Reaches this tab as well. */
    send(command: Command): void {
      post({ kind: 'command', command })
      onCommand(command)
    },
  }
}

export type Tabs = Awaited<ReturnType<typeof joinTabs>>
