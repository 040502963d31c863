import type { ServerResponse } from 'node:http'
import { type Answer, frame } from '../browser/odd-server.ts'

/** The claims of a run, one of each mode. */
export const CLAIMS = ['bell', 'work'] as const
export type Claim = (typeof CLAIMS)[number]

/** A server with one stream of numbered events, to which each handler tells that it was called, and that it is done. */
export const createClaimServer = () => {
  const open = new Set<ServerResponse>()
  let published = 0
  let opened = 0
  const tally = (): Record<Claim, Map<number, number>> => ({ bell: new Map(), work: new Map() })
  /** How often the handler of an event was called, and how often it said that it was done. */
  const told = { began: tally(), done: tally() }

  const hear =
    (what: keyof typeof told): Answer =>
    (request, response) => {
      const { searchParams } = new URL(request.url!, 'http://localhost')
      const counts = told[what][searchParams.get('claim') as Claim]
      const n = Number(searchParams.get('n'))
      counts.set(n, (counts.get(n) ?? 0) + 1)
      response.writeHead(204).end()
    }

  const answers: Record<string, Answer> = {
    '/began': hear('began'),
    '/done': hear('done'),
    '/stream'(request, response) {
      opened++
      response.writeHead(200, { 'content-type': 'text/event-stream', 'stream-resume': 'continue' })
      open.add(response)
      response.on('close', () => open.delete(response))
      response.write(': open\n\n')
      for (let n = Number(request.headers['last-event-id'] || 0) + 1; n <= published; n++)
        response.write(frame(n, 'task'))
    },
  }
  const ping = setInterval(() => {
    for (const response of open) response.write(': ping\n\n')
  }, 500)

  return {
    answers,
    publish(count: number) {
      for (let left = count; left > 0; left--) {
        published++
        for (const response of open) response.write(frame(published, 'task'))
      }
    },
    published: () => published,
    opened: () => opened,
    cut() {
      for (const response of [...open]) response.end()
    },
    /** Events that this claim has been heard of, and those that were handled several times. */
    count(claim: Claim, what: keyof typeof told) {
      const counts = told[what][claim]
      return { events: counts.size, repeated: [...counts.values()].filter((times) => times > 1).length }
    },
    missing: (claim: Claim, what: keyof typeof told) =>
      Array.from({ length: published }, (_, index) => index + 1).filter((n) => !told[what][claim].has(n)),
    close: () => clearInterval(ping),
  }
}

export type ClaimServer = ReturnType<typeof createClaimServer>
