import { createAccountView } from './account-view.ts'
import { byId } from './dom.ts'
import { openWindow } from './faults/freeze.ts'
import { createFaultPanel } from './faults/panel.ts'
import { createFlow } from './flow.ts'
import { createFrames } from './frames.ts'
import { type HubView, watchHub } from './hub-watch.ts'
import { dockInspector } from './inspector.ts'
import type { Mode } from './line.ts'
import { notice } from './notice.ts'
import { wireNovel } from './novel-page.ts'
import { onceAFrame } from './once-a-frame.ts'
import { createPicture, type Scene } from './picture.ts'
import { createServer, type ServerFigures } from './server.ts'
import { logOut } from './session.ts'
import { type DemoTab, openTab } from './tab.ts'
import type { TabReport } from './tabs.ts'
import { createComparison } from './without.ts'

/** The demo for a user who is logged in: wires the parts, and knows nothing of their insides. */
export const runPage = async (user: string): Promise<void> => {
  byId('user').textContent = user
  byId('who').hidden = false

  const picture = createPicture()
  const flow = createFlow(picture)
  const frames = createFrames()
  const showAccount = createAccountView()
  const novel = wireNovel()
  const listeners = new Set<(tabs: TabReport[]) => void>()
  let others: Scene['others'] = []
  let figures: ServerFigures | null = null
  let hub: HubView | null = null
  /** From when on there is something to show. */
  let parts: { tab: DemoTab; watch: ReturnType<typeof watchHub> } | undefined

  const draw = () => {
    if (!parts) return
    const { line, tabs } = parts.tab
    const [all, self] = [tabs.all(), tabs.number]
    flow.tabs(all)
    picture.show({ self, mode: line.mode(), state: line.state(), server: figures, hub, tabs: all, others })
    showAccount({ self, tabs: all, server: figures })
  }
  const show = onceAFrame(draw)
  const server = createServer({
    user,
    onFigures(next) {
      figures = next
      show()
    },
  })

  const tab = await openTab({
    user,
    kind: 'window',
    onEvent: novel.apply,
    onReset(reason) {
      notice(`Reset (${reason}): the state is fetched again.`)
      void novel.refetch()
    },
    onError: notice,
    onGone: frames.gone,
    onChange(tabs) {
      for (const listener of listeners) listener(tabs)
      show()
      parts?.watch.look()
    },
  })
  const watch = watchHub(tab.line, user, (view) => {
    hub = view
    flow.hub(view)
    show()
  })
  parts = { tab, watch }

  const context = {
    user,
    tab,
    server,
    readHub: watch.read,
    onTabs(listener: (tabs: TabReport[]) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    setOthers(next: Scene['others']) {
      others = next
      show()
    },
  }
  const panel = createFaultPanel(context)
  const showMode = (mode: Mode) => {
    panel.setAvailable(mode === 'tabstream')
    dockInspector(tab.line.stream())
  }
  createComparison(context, frames, showMode)

  byId('open-tab').addEventListener('click', openWindow)
  byId('log-out').addEventListener('click', async () => {
    await tab.line
      .stream()
      ?.signOut()
      .catch(() => {})
    await logOut()
    location.reload()
  })
  showMode(tab.line.mode())
  draw()
  // Only now, with every card in its place: what is shown does not move.
  byId('demo').hidden = false
  server.watch()
  setInterval(watch.look, 1_000)
  show()
  await novel.refetch()
  void panel.resume()
}
