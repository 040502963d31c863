import { byId, element } from './dom.ts'
import type { FaultContext } from './faults/fault.ts'
import { tabsOf, until, untilTabs } from './faults/measure.ts'
import { bytes, count, number } from './format.ts'
import type { Frames } from './frames.ts'
import type { Mode } from './line.ts'
import { notice } from './notice.ts'

/** With fewer tabs than this nobody is refused. */
const tabsAtLeast = 3
const published = 200
/** Characters that each of these events carries beside its number. */
const padding = 200

interface Figures {
  tabs: number
  connections: number
  refused: number
  bytes: number
  received: number
  /** Tabs that heard nothing. */
  deaf: number
}

const rows: readonly (readonly [string, (figures: Figures) => string])[] = [
  ['Tabs', ({ tabs }) => number(tabs)],
  ['Connections at the server', ({ connections }) => number(connections)],
  ['Refused (429)', ({ refused }) => number(refused)],
  [`Bytes from the server for ${published} events`, (figures) => bytes(figures.bytes)],
  [
    'Events received, all tabs',
    (figures) => `${number(figures.received)} of ${number(published * figures.tabs)}`,
  ],
  ['Tabs that hear nothing', ({ deaf }) => number(deaf)],
]

/** The same tabs with the library and with a native EventSource each: what either costs, and who is left out. */
export const createComparison = (
  context: Omit<FaultContext, 'say'>,
  frames: Frames,
  onMode: (mode: Mode) => void,
) => {
  const button = byId('without')
  const body = byId('comparison-rows')
  const { tab, server } = context
  const measured: Partial<Record<'tabstream' | 'native', Figures>> = {}
  let state: 'idle' | 'busy' = 'idle'

  const show = () => {
    body.replaceChildren(
      ...rows.map(([label, format]) => {
        const row = element('tr')
        const head = element('th', label)
        head.scope = 'row'
        const cell = (figures: Figures | undefined) => element('td', figures ? format(figures) : '–')
        row.append(head, cell(measured.tabstream), cell(measured.native))
        return row
      }),
    )
  }

  const figuresNow = async () => (await server.look()) ?? (await server.figuresOf(context.user))

  /** What the same events cost, and whom they reach. @param refusedBefore refusals that are not this mode's */
  const measure = async (refusedBefore: number): Promise<Figures> => {
    const before = await figuresNow()
    const had = new Map(tabsOf(context).map((each) => [each.number, each.account.received]))
    const last = await server.publish(published, padding)
    const received = await untilTabs(
      context,
      (tabs) => {
        const connected = tabs.filter(({ state }) => state === 'open')
        if (!connected.every(({ account }) => account.last >= last)) return
        return tabs.map((each) => each.account.received - (had.get(each.number) ?? 0))
      },
      'every connected tab has every event',
    )
    const after = await figuresNow()
    return {
      tabs: received.length,
      connections: after.connections,
      refused: after.refused - refusedBefore,
      bytes: after.bytes - before.bytes,
      received: received.reduce((sum, more) => sum + more, 0),
      deaf: received.filter((more) => more === 0).length,
    }
  }

  const connectionsAre = (count: number) => {
    let connections: number | undefined
    return until(
      (look) => {
        const timer = setInterval(async () => {
          connections = (await server.look())?.connections
          look()
        }, 150)
        return () => clearInterval(timer)
      },
      () => (connections === count ? true : undefined),
      `the server has ${count} of this user`,
    )
  }

  /** The places at the server are to be free first: one way must not be refused for the other's sake. */
  const letGo = async () => {
    tab.useEverywhere('none')
    await connectionsAre(0)
  }

  const settled = (mode: Mode) =>
    untilTabs(
      context,
      (tabs) =>
        tabs.length >= tabsAtLeast &&
        tabs.every((each) => each.mode === mode && (each.state === 'open' || each.state === 'refused'))
          ? tabs.length
          : undefined,
      'every tab is open or refused',
    )

  const goWithout = async () => {
    frames.ensure(tabsAtLeast - tabsOf(context).length + byId('frames').childElementCount)
    await settled('tabstream')
    // Streams of other browsers, of a fault just before, are no part of it.
    await connectionsAre(1)
    const { refused } = await figuresNow()
    measured.tabstream = await measure(refused)
    show()
    await letGo()
    tab.useEverywhere('native')
    onMode('native')
    await settled('native')
    measured.native = await measure(refused)
    show()
    const { connections, deaf } = measured.native
    notice(
      `Without tabstream: ${count(connections, 'connection')}, ${count(deaf, 'tab hears', 'tabs hear')} nothing.`,
    )
  }

  const goBack = async () => {
    await letGo()
    tab.useEverywhere('tabstream')
    onMode('tabstream')
    await settled('tabstream')
    notice('With tabstream again: one connection, and every tab has what it missed.')
  }

  const toggle = async () => {
    if (state === 'busy') return
    state = 'busy'
    button.setAttribute('aria-busy', 'true')
    const wanted = tab.line.mode() === 'tabstream' ? 'native' : 'tabstream'
    try {
      await (wanted === 'native' ? goWithout() : goBack())
    } catch (error) {
      notice((error as Error).message)
    } finally {
      state = 'idle'
      button.setAttribute('aria-busy', 'false')
      button.setAttribute('aria-checked', String(tab.line.mode() === 'native'))
    }
  }

  button.setAttribute('aria-checked', String(tab.line.mode() === 'native'))
  button.addEventListener('click', () => void toggle())
  show()
}
