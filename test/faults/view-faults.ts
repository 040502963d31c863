import { endPretence, setVisible } from '../browser/visibility.ts'
import { pick } from '../random.ts'
import type { Fault, Scene } from './faults.ts'

/** ms for a stream that nobody looks at to go: it may have to open first, behind what an earlier fault has left. */
const RELEASE_LIMIT = 90_000

/** All tabs are out of view while `run` runs. */
const withoutViewers = async ({ crew: { members } }: Scene, run: () => Promise<unknown>) => {
  const pages = members.map(({ tab }) => tab.page)
  for (const page of pages) await setVisible(page, false)
  try {
    await run()
  } finally {
    for (const page of pages) await endPretence(page)
  }
}

const streamIsLetGo = async ({ backend, pause }: Scene) => {
  for (const start = Date.now(); backend.streams() > 0; await pause(100))
    if (Date.now() - start > RELEASE_LIMIT) throw new Error('a stream that nobody looks at is not let go')
}

/** What a user's looking and not looking does (H1, H2). */
export const FAULTS_OF_VIEW: Fault[] = [
  {
    name: 'another tab comes to the front',
    run: ({ crew, random }) => pick(random, crew.members).tab.page.bringToFront(),
  },
  {
    name: 'no tab is in view for a while',
    run: (scene) =>
      withoutViewers(scene, async () => {
        for (let burst = 0; burst < 5; burst++) {
          await scene.backend.publish(10)
          await scene.pause(300)
        }
      }),
  },
  {
    name: 'no tab is in view until the stream is let go',
    long: true,
    run: (scene) =>
      withoutViewers(scene, async () => {
        await streamIsLetGo(scene)
        await scene.backend.publish(50)
      }),
  },
]
