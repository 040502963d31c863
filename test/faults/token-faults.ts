import type { IncomingMessage } from 'node:http'
import type { Answer, Interference } from '../browser/front.ts'
import { answer, during } from './answer-faults.ts'
import type { Fault, Scene } from './faults.ts'
import { until } from './until.ts'

/** ms for the hub to ask for a token, and ms after which it is refused once more. */
const ASKED_WITHIN = 120_000
const REFUSED_AGAIN = 20_000

const EXCHANGE = '/api/v1/auth/sse-token'

/** The stream ends, and whoever opens it next is refused. */
const refuseNext = ({ backend, front }: Scene) => {
  front.next(answer(401))
  backend.proxy.cut('reset')
}

/** The stream ends, and its token is refused: another is asked for. */
const askAnew = async (scene: Scene) => {
  refuseNext(scene)
  await until(scene, scene.front.given, 'a refused token')
}

const exchanges = async ({ backend }: Scene) => (await backend.requests(EXCHANGE)).length

/** The token endpoint answers so for a while, from a moment on at which a token is needed. */
const endpoint = (name: string, given: Answer): Fault => ({
  name: `the token endpoint ${name} for a while`,
  async run(scene) {
    let asked = 0
    const refuse = ({ url }: IncomingMessage) => {
      if (!url?.startsWith(EXCHANGE)) return undefined
      asked++
      return given
    }
    await during(scene, { answer: refuse }, async () => {
      // A hub whose cookie another user has replaced asks for a token before it opens the stream. On a busy machine it may
      // have given up the request that is refused.
      for (const began = Date.now(); asked === 0 && Date.now() - began < ASKED_WITHIN; ) {
        refuseNext(scene)
        await until(scene, () => asked > 0, 'an exchange', REFUSED_AGAIN).catch(() => {})
      }
      if (asked === 0) throw new Error('no exchange')
      await scene.pause(500 + scene.random() * 2_000)
    })
    await until(scene, scene.front.given, 'a refused token')
  },
})

/** The answer with `expires_at` in place of `expires_in`, as a clock has it that is so many ms ahead. */
const expiresAt =
  (ahead: number, write: (at: Date) => unknown): NonNullable<Interference['token']> =>
  ({ expires_in, ...answer }) => ({
    ...answer,
    expires_at: write(new Date(Date.now() + ahead + Number(expires_in) * 1_000)),
  })
const withZone = (at: Date) => at.toISOString()

/** A clock that lies must not cost an exchange a moment: none but that which the 401 asks for. */
const clock = (name: string, what: Interference): Fault => ({
  name: `the token endpoint's clock: ${name}`,
  run: (scene) =>
    during(scene, what, async () => {
      const before = await exchanges(scene)
      await askAnew(scene)
      await scene.pause(3_000)
      const made = (await exchanges(scene)) - before
      if (made > 3) throw new Error(`${made} exchanges within 3 s (A2)`)
    }),
})

/** What happens to tokens, and to those who ask for them. */
export const FAULTS_OF_TOKENS: Fault[] = [
  endpoint('answers 401', answer(401)),
  endpoint('answers 503', answer(503)),
  endpoint('breaks off', (_request, response) => void response.destroy()),
  endpoint(
    'takes 4 s to answer 503',
    (request, response) => void setTimeout(() => answer(503)(request, response), 4_000),
  ),
  {
    name: 'nobody is logged in for a while',
    async run(scene) {
      const { crew, pause, random } = scene
      const setLoggedOut = async (value: boolean) => {
        for (const { tab } of crew.members)
          await tab.page.evaluate((loggedOut) => {
            window.loggedOut = loggedOut
          }, value)
      }
      await setLoggedOut(true)
      refuseNext(scene)
      const { tab } = crew.members[0]!
      await until(scene, async () => (await tab.status()).state === 'unauthorized', 'unauthorized')
      await pause(500 + random() * 2_000)
      await setLoggedOut(false)
      await until(scene, scene.front.given, 'a refused token')
    },
  },
  {
    name: 'a visitor whose token comes late',
    async run(scene) {
      const { user, backend, host, random, pause } = scene
      const page = await user.context().newPage()
      await page.goto(backend.url)
      // A key of this run alone: the hub of an earlier one may hold a token.
      const connect = { headers: { 'X-Tenant': `late ${random()}` } }
      await page.evaluate(
        (options) => {
          window.loggedOut = true
          window.start(options)
        },
        { user: 'bob', host, connect },
      )
      const isIn = (state: string) => () =>
        page.evaluate((wanted) => window.stream.status.state === wanted, state)
      await until(scene, isIn('unauthorized'), 'unauthorized')
      await pause(500 + random() * 3_000)
      await page.evaluate(() => {
        window.loggedOut = false
      })
      await until(scene, isIn('open'), 'open by itself')
      await page.close()
    },
  },
  clock('five minutes behind, as its `Date` says', { clock: -300_000, token: expiresAt(-300_000, withZone) }),
  clock('five minutes ahead, as its `Date` says', { clock: 300_000, token: expiresAt(300_000, withZone) }),
  clock('a day behind, and its `Date` says nothing of it', { token: expiresAt(-86_400_000, withZone) }),
  clock('no zone', { token: expiresAt(0, (at) => at.toISOString().slice(0, -1)) }),
  clock('no life', { token: (answer) => ({ ...answer, expires_in: 0 }) }),
  clock('no `Date` that can be read', { clock: Number.NaN, token: expiresAt(0, withZone) }),
]
