import { demoUsers } from '../demo-users.ts'
import { logIn } from '../session.ts'
import { privateLabel } from '../tab.ts'
import type { Fault } from './fault.ts'
import { recall, remember } from './left-user.ts'
import { countLosses, tabsOf } from './measure.ts'
import { leaveUser } from './sign-out.ts'

const published = 5

const nextUser = (user: string): string => {
  const names = Object.keys(demoUsers)
  return names[(names.indexOf(user) + 1) % names.length]!
}

export const switchUser: Fault = {
  id: 'switch-user',
  title: 'Switch user',
  claim:
    'Every tab goes on as the next demo user: another worker, another log. Nothing of the former user arrives.',
  run: async (context) => {
    const next = nextUser(context.user)
    const outcome = await leaveUser(context)
    remember({ ...outcome, user: context.user, next })
    await logIn(next, demoUsers[next]!)
    location.reload()
    return outcome
  },
  after: async (context) => {
    const left = recall()
    if (left?.next !== context.user) return
    const { user, text, kept } = left
    const label = privateLabel(user)
    const data = { id: 'private', label, percent: 0 }
    const events = Array.from({ length: published }, () => ({ type: 'task.progress_updated', data }))
    await context.server.post('publish', { user, events })
    // This user's own come after those: what was going to arrive has arrived by then.
    const counted = countLosses(context)
    await counted(await context.server.publish(published))
    const foreign = tabsOf(context).reduce((sum, tab) => sum + tab.foreign, 0)
    return {
      kept: kept && foreign === 0,
      text: `${text} Now ${context.user}: ${published} events for ${context.user} arrived, of ${published} for ${user} ${foreign}.`,
    }
  },
}
