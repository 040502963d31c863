import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, Interference } from '../browser/front.ts'
import type { Fault, Scene } from './faults.ts'
import { until } from './until.ts'

const STREAM = '/api/v1/events/stream'
const isStream = ({ url }: IncomingMessage) => url?.startsWith(STREAM) === true

export const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (_request, response: ServerResponse) =>
    void response.writeHead(status, headers).end(body)

/** Lets it go wrong for as long as `work` takes. */
export const during = async ({ front }: Scene, what: Interference, work: () => Promise<unknown>) => {
  front.interfere(what)
  try {
    await work()
  } finally {
    front.interfere({})
  }
}

/** The stream ends, and who opens it anew is answered so, some times in a row. */
const answered = (name: string, times: number, given: Answer, more: Partial<Fault> = {}): Fault => ({
  name: `answered ${name}`,
  ...more,
  async run(scene) {
    scene.front.next(...Array.from({ length: times }, () => given))
    scene.backend.proxy.cut('reset')
    await until(scene, scene.front.given, 'all of these answers')
  },
})

/** An answer that ends the stream for good, until somebody calls `reconnect()` (S6). */
const ended = (status: number, state: string): Fault => ({
  name: `answered ${status}, which is final, and reconnect()`,
  async run(scene) {
    const { backend, front, crew } = scene
    front.next(answer(status))
    backend.proxy.cut('reset')
    const { tab } = crew.members[0]!
    await until(scene, async () => (await tab.status()).state === state, `the state ${state}`)
    await tab.page.evaluate(() => window.stream.reconnect())
    await until(scene, async () => (await tab.status()).state === 'open', 'open again')
  },
})

/** Refuses whoever asks with a position, and counts who asks without one. */
const refusePositions = (status: number) => {
  const seen = { refused: 0, without: 0 }
  return {
    seen,
    answer(request: IncomingMessage) {
      if (!isStream(request)) return undefined
      if (request.headers['last-event-id'] === undefined) {
        seen.without++
        return undefined
      }
      seen.refused++
      return answer(status)
    },
  }
}

const html = { 'content-type': 'text/html' }
const TOO_LARGE = `data: "${'x'.repeat(1.1 * 1024 * 1024)}"\n\n`

/** What servers answer that others built. */
export const FAULTS_OF_ANSWERS: Fault[] = [
  answered('500', 2, answer(500)),
  answered('502 with a page', 2, answer(502, html, '<h1>Bad Gateway</h1>')),
  answered('503 and when to come back', 1, answer(503, { 'retry-after': '1' })),
  answered('429', 1, answer(429, { 'retry-after': '1' })),
  answered('401 in mid-life', 1, answer(401)),
  answered('another content type', 2, answer(200, { 'content-type': 'application/json' }, '{}')),
  answered('with a login page', 2, answer(200, html, '<form>Log in</form>')),
  answered('410: the position is lost', 1, answer(410), { loses: true }),
  answered('500 three times, and back when asked without a position', 3, answer(500)),
  ended(204, 'closed'),
  ended(403, 'failed'),
  ...[400, 404, 500].map(
    (status): Fault => ({
      name: `the position is refused with ${status}`,
      loses: true,
      async run(scene) {
        const { answer, seen } = refusePositions(status)
        await during(scene, { answer }, async () => {
          scene.backend.proxy.cut('reset')
          // The first one only asks whether it opens; the second one is the stream (S6).
          await until(scene, () => seen.without >= 2, 'the position is given up')
        })
      },
    }),
  ),
  {
    name: 'short streams',
    run: (scene) =>
      during(scene, { endAfter: 300 }, async () => {
        const { backend } = scene
        const { opened } = backend.connections()
        backend.proxy.cut('end')
        // An event in each, so that none is one that gave nothing (S4).
        const hasComeBack = async () => {
          await backend.publish(2)
          return backend.connections().opened >= opened + 6
        }
        await until(scene, hasComeBack, 'six streams')
      }),
  },
  {
    name: 'an event that is too large',
    loses: true,
    async run(scene) {
      const { backend } = scene
      const { opened } = backend.connections()
      await during(scene, { head: TOO_LARGE }, async () => {
        backend.proxy.cut('reset')
        await until(scene, () => backend.connections().opened > opened, 'a new stream')
      })
      await until(scene, () => backend.streams() === 1, 'the stream stays open (B1)')
    },
  },
]
