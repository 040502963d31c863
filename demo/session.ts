/**
 * The log-in of this browser. Tokens live in this module's memory and nowhere else: a new tab gets its own by
 * the httpOnly refresh cookie. Storage holds the user's name only, by which tabs hear of each other's log-outs.
 */

interface LogIn {
  access_token: string
  expires_at: string
  user: string
}

const storageKey = 'tabstream-demo:user'
/** Renew this long before the end, in milliseconds. */
const margin = 30_000

let current: { token: string; expiresAt: number } | undefined

const post = async (path: string, body?: unknown): Promise<Response> =>
  fetch(path, {
    method: 'POST',
    // What no form can send: the server takes a cookie's word for nothing without it.
    headers: {
      'X-Requested-With': 'fetch',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })

const explain = async (response: Response): Promise<string> => {
  const { message } = (await response.json().catch(() => ({}))) as { message?: string }
  return message ?? `The server answered ${response.status}.`
}

const keep = async (response: Response): Promise<string> => {
  if (!response.ok) throw new Error(await explain(response))
  const { access_token, expires_at, user } = (await response.json()) as LogIn
  current = { token: access_token, expiresAt: Date.parse(expires_at) }
  if (localStorage.getItem(storageKey) !== user) localStorage.setItem(storageKey, user)
  return user
}

/** Resolves with the user; rejects with what the server says. */
export const logIn = async (user: string, password: string): Promise<string> =>
  keep(await post('/api/v1/auth/login', { user, password }))

/** The user that this browser is logged in as, or undefined. */
export const restore = async (): Promise<string | undefined> => {
  if (localStorage.getItem(storageKey) === null) return
  const response = await post('/api/v1/auth/refresh')
  if (response.status !== 401) return keep(response)
  localStorage.removeItem(storageKey)
  return
}

export const logOut = async (): Promise<void> => {
  current = undefined
  await post('/api/v1/auth/logout')
  localStorage.removeItem(storageKey)
}

/** A token that is good for a while yet. The library asks one tab for it, on behalf of all. */
export const getAccessToken = async (): Promise<string> => {
  if (!current || current.expiresAt - Date.now() < margin) await keep(await post('/api/v1/auth/refresh'))
  return current!.token
}

/** Calls the API as the logged-in user; rejects with the server's message where it refuses. */
export const call = async <Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> => {
  const response = await fetch(path, {
    method,
    headers: { Authorization: `Bearer ${await getAccessToken()}`, 'Content-Type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  if (!response.ok) throw new Error(await explain(response))
  return (await response.json()) as Answer
}

/** Another tab has logged out, or logged in as somebody else. Returns the unsubscribe. */
export const onUserChange = (listener: () => void): (() => void) => {
  const hear = ({ key }: StorageEvent) => {
    if (key === storageKey || key === null) listener()
  }
  addEventListener('storage', hear)
  return () => removeEventListener('storage', hear)
}
