import { byId } from './dom.ts'
import { runFrame } from './frame.ts'
import { askForLogIn } from './log-in-view.ts'
import { runPage } from './page.ts'
import { onUserChange, restore } from './session.ts'

const isFrame = new URLSearchParams(location.search).has('frame')

const start = async () => {
  // Log-in as somebody else included: a tab never goes on as the user before.
  onUserChange(() => location.reload())
  const restored = await restore().catch(() => undefined)
  // A frame asks nobody: the page around it does, and loads it again.
  const user = restored ?? (isFrame ? undefined : await askForLogIn())
  if (user === undefined) return
  await (isFrame ? runFrame(user) : runPage(user))
  byId('ready').dataset.ready = 'yes'
}

void start()
