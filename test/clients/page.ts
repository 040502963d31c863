/** Runs in a browser's page: logs in, gets the cookie, and listens with what the browser brings. */
export const page = async ({
  type,
  user,
  streamPath,
}: {
  type: string
  user: string
  streamPath: string
}) => {
  const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const login = await send('/api/v1/auth/login', { user, password: 'x' })
  const { access_token } = (await login.json()) as { access_token: string }
  await send('/api/v1/auth/sse-token', { mode: 'cookie' }, { Authorization: `Bearer ${access_token}` })
  const numbers: number[] = []
  Object.assign(globalThis, { numbers })
  const source = new EventSource(streamPath)
  source.addEventListener(type, ({ data }) => numbers.push((JSON.parse(data) as { n: number }).n))
  await new Promise((done) => {
    source.onopen = done
  })
}
