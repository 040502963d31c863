import type { Granted } from '../auth/credential.ts'
import type { Platform } from '../base/platform.ts'

export interface PutTopicsRequest {
  platform: Pick<Platform, 'fetch'>
  url: string
  rev: number
  /** The whole set. */
  names: string[]
  /** The application's headers, and the hub's. */
  headers: Record<string, string>
  credential: Granted
  signal: AbortSignal
}

/** Tells the server the set of topics of the stream that stands (R8). @returns `null`: no answer came */
export const putTopics = async ({
  platform,
  url,
  rev,
  names,
  headers,
  credential,
  signal,
}: PutTopicsRequest): Promise<Pick<Response, 'status' | 'headers'> | null> => {
  try {
    const { status, headers: answered } = await platform.fetch(url, {
      method: 'PUT',
      headers: { ...headers, ...credential.headers, 'content-type': 'application/json' },
      credentials: credential.credentials,
      cache: 'no-store',
      redirect: 'error',
      body: JSON.stringify({ rev, topics: names }),
      signal,
    })
    return { status, headers: answered }
  } catch {
    return null
  }
}
