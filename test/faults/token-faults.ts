import type { Answer } from '../browser/front.ts'
import { answer, during } from './answer-faults.ts'
import type { Fault, Scene } from './faults.ts'

const EXCHANGE = '/api/v1/auth/sse-token'

/** The stream ends, and its token is refused: another is asked for. */
const askAnew = async ({ backend, front, pause }: Scene) => {
  front.next(answer(401))
  backend.proxy.cut('reset')
  while (!front.given()) await pause(20)
}

const exchanges = async ({ backend }: Scene) => (await backend.requests(EXCHANGE)).length

/** The token endpoint answers so for a while, from a moment on at which a token is needed. */
const endpoint = (name: string, given: Answer): Fault => ({
  name: `the token endpoint ${name} for a while`,
  run: (scene) =>
    during(scene, { answer: ({ url }) => (url?.startsWith(EXCHANGE) ? given : undefined) }, async () => {
      await askAnew(scene)
      await scene.pause(500 + scene.random() * 2_000)
    }),
})

/** A clock that lies must not cost an exchange a moment: none but that which the 401 asks for. */
const clock = (name: string, by: number): Fault => ({
  name: `the server's clock is ${name}`,
  run: (scene) =>
    during(scene, { clock: by }, async () => {
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
      await askAnew(scene)
      await pause(500 + random() * 2_000)
      await setLoggedOut(false)
    },
  },
  clock('five minutes behind', -300_000),
  clock('five minutes ahead', 300_000),
]
