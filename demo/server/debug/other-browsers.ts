import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { streamPath } from '../http/stream-path.ts'

export interface OtherBrowsersOptions {
  url: string
  /** How many are tried at most. */
  most: number
  /** An SSE token for a `Stream-Client`. */
  issue: (client: string) => Promise<string>
}

export interface OtherBrowserAnswer {
  client: string
  status: number
  retryAfter: string | null
  /** Of a refusal: `error` and `message`. */
  body: { error?: string; message?: string } | null
}

const readBody = async (response: IncomingMessage) => {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return JSON.parse(text) as { error: string; message: string }
}

/** Requests over sockets of their own, as browsers elsewhere would make: one after the other, until one is refused. */
export const openOtherBrowsers = async ({ url, most, issue }: OtherBrowsersOptions) => {
  const open: ClientRequest[] = []
  const answers: OtherBrowserAnswer[] = []

  const ask = async (client: string) => {
    const headers = { 'Stream-Client': client, Authorization: `Bearer ${await issue(client)}` }
    const response = await new Promise<IncomingMessage>((done, failed) => {
      const send = url.startsWith('https') ? httpsRequest : httpRequest
      // The server's own certificate, which it made for development, and its own address: nothing to verify.
      const asked = send(url + streamPath, { headers, agent: false, rejectUnauthorized: false }, done)
      open.push(asked)
      asked.on('error', failed).end()
    })
    const status = response.statusCode!
    const refused = status !== 200
    const retryAfter = response.headers['retry-after'] ?? null
    const body = refused ? await readBody(response) : null
    if (!refused) response.on('error', () => {}).resume()
    answers.push({ client, status, retryAfter, body })
    return refused
  }

  for (let number = 1; number <= most; number++) if (await ask(`another-browser-${number}`)) break
  return {
    answers,
    close(): void {
      for (const asked of open) asked.destroy()
    },
  }
}
