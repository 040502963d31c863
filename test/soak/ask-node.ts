/** Asks a node's /debug, behind the proxy's back: what a cut does never hits the run itself. */
export const askNode = async <T>(opsUrl: string, path: string, body?: unknown): Promise<T> => {
  const post = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  const response = await fetch(`${opsUrl}/debug/${path}`, body === undefined ? {} : post)
  if (!response.ok) throw new Error(`/debug/${path} answers ${response.status}: ${await response.text()}`)
  return (await response.json()) as T
}
