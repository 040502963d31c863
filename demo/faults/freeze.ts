import { time } from '../format.ts'
import type { TabReport } from '../tabs.ts'
import type { Fault, FaultContext } from './fault.ts'
import { countLosses, isWhole, tabsOf, tell, untilTabs } from './measure.ts'

const published = 300
const duration = 4_000

/** Frames share this page's thread: what is frozen is a window, and one is opened where there is none. */
const findWindow = async (context: FaultContext): Promise<TabReport> => {
  const self = context.tab.tabs.number
  const isOther = ({ kind, number, state }: TabReport) =>
    kind === 'window' && number !== self && state === 'open'
  if (!tabsOf(context).some(({ kind, number }) => kind === 'window' && number !== self)) openWindow()
  return untilTabs(context, (tabs) => tabs.findLast(isOther), 'another window is there')
}

/** Without an opener it can have a process of its own, hence a thread of its own. */
export const openWindow = () => window.open(location.href, '_blank', 'noopener,popup,width=520,height=720')

/** Watches this page's own thread: the longest it stood still, in ms. */
const watchOwnThread = () => {
  let last = performance.now()
  let longest = 0
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 50)
  return () => {
    clearInterval(timer)
    return longest
  }
}

export const freeze: Fault = {
  id: 'freeze',
  title: 'Freeze a tab',
  claim: `Another window blocks its main thread for ${time(duration)} while ${published} events come. The other tabs do not wait; it catches up from the log.`,
  run: async (context) => {
    const { number } = await findWindow(context)
    const counted = countLosses(context)
    const ownPause = watchOwnThread()
    const began = performance.now()
    context.tab.tabs.send({ kind: 'freeze', tab: number, milliseconds: duration })
    // The command is under way to the other process: an event later it stands still.
    const last = await context.server.publish(published)
    const hasAll = ({ account }: TabReport) => account.last >= last
    const others = untilTabs(
      context,
      (tabs) => tabs.filter((tab) => tab.number !== number).every(hasAll) || undefined,
      'the other tabs have every event',
    ).then(() => performance.now() - began)
    let behind = 0
    const look = setInterval(async () => {
      behind = Math.max(behind, (await context.readHub())?.sessions.get(number)?.lag ?? 0)
    }, 250)
    const losses = await counted(last)
    clearInterval(look)
    const frozen = tabsOf(context).find((tab) => tab.number === number)?.frozen ?? 0
    const pause = ownPause()
    // Some browsers run windows of one site in one process: then all of them stood still, which is said.
    const shared =
      pause > duration / 2 ? ' This browser runs both in one process: this tab stood still too.' : ''
    return {
      kept: isWhole(losses) && frozen >= duration,
      text: `Tab ${number} stood still for ${time(frozen)}, at most ${behind} behind; the others had all after ${time(await others)}.${shared} ${tell(published, losses)}`,
    }
  },
}
