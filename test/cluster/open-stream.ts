import { type Agent, type IncomingMessage, request } from 'node:http'

export interface OpenStreamOptions {
  url: string
  agent: Agent
  token: string
  /** `Stream-Client`. */
  client: string
  /** `''`: none yet. */
  lastEventId: string
  /** The answer is a stream. */
  onStream(response: IncomingMessage): void
  /** The stream has ended, or there is none: called once. @param answer one that is no stream; `null`: there was none */
  onOver(answer: IncomingMessage | null): void
}

/** A request for a stream, as any client makes it that knows the contract. @returns cuts the connection */
export const openStream = ({ url, agent, token, client, lastEventId, ...hooks }: OpenStreamOptions) => {
  let settled = false
  const over = (answer: IncomingMessage | null = null) => {
    if (settled) return
    settled = true
    hooks.onOver(answer)
  }
  const sent = request(url, {
    agent,
    headers: {
      Authorization: `Bearer ${token}`,
      'Stream-Client': client,
      ...(lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId }),
    },
  })
  sent.setTimeout(20_000, () => sent.destroy())
  sent.on('error', () => over())
  sent.on('response', (response) => {
    response.on('error', () => over())
    response.on('close', () => over())
    if (response.statusCode === 200) return hooks.onStream(response)
    response.resume()
    over(response)
  })
  sent.end()
  return () => {
    sent.destroy()
    over()
  }
}
