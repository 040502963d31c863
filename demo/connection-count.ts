import { byId } from './dom.ts'

/** Asks the server, once a second, how many streams the user has open there. Returns the end of it. */
export const watchConnections = (user: string): (() => void) => {
  const figure = byId('connections')
  let timer: number | undefined
  let state: 'watching' | 'ended' = 'watching'

  const ask = async () => {
    try {
      const response = await fetch('/debug/connections')
      if (response.status === 404) {
        byId('connections-unit').textContent = 'connections: start the server with --dev'
        return
      }
      const { users } = (await response.json()) as { users: Record<string, number> }
      const count = users[user] ?? 0
      figure.textContent = String(count)
      byId('connections-unit').textContent = `${count === 1 ? 'connection' : 'connections'} at the server`
    } catch {
      figure.textContent = '?'
    }
    if (state === 'watching') timer = window.setTimeout(ask, 1000)
  }

  ask()
  return () => {
    state = 'ended'
    window.clearTimeout(timer)
  }
}
