import { count, time } from '../format.ts'
import { logOut } from '../session.ts'
import type { Fault, FaultContext } from './fault.ts'
import { remember } from './left-user.ts'
import { streamOf, tabsOf, until } from './measure.ts'

const databasesOf = async (user: string): Promise<number> =>
  (await indexedDB.databases()).filter(({ name }) =>
    name?.startsWith(`tabstream:${encodeURIComponent(user)}@`),
  ).length

/** Ends the user's stream in this browser, and says what is left of it: nothing. */
export const leaveUser = async (context: FaultContext) => {
  const { user, server } = context
  const tabs = tabsOf(context).length
  const began = performance.now()
  await streamOf(context).signOut()
  const took = performance.now() - began
  // Before the log-out, which ends streams at the server by itself.
  let connections = (await server.figuresOf(user)).connections
  if (connections > 0)
    await until(
      (look) => {
        const timer = setInterval(async () => {
          connections = (await server.figuresOf(user)).connections
          look()
        }, 100)
        return () => clearInterval(timer)
      },
      () => (connections === 0 ? true : undefined),
      'the server has closed the stream',
    )
  const databases = await databasesOf(user)
  return {
    kept: connections === 0 && databases === 0,
    text: `${user} signed out of ${count(tabs, 'tab')} in ${time(took)}: ${count(connections, 'connection')} at the server, ${count(databases, 'log')} left on this disk.`,
  }
}

export const signOut: Fault = {
  id: 'sign-out',
  title: 'Sign out here',
  claim:
    'The stream ends in every tab of this browser, its token is forgotten, the log deleted. Nothing arrives any more.',
  run: async (context) => {
    const left = await leaveUser(context)
    remember({ ...left, user: context.user, next: null })
    await logOut()
    location.reload()
    return left
  },
}
