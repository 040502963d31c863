import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Stream } from '../../src/index.ts'
import { openHub, type TestHub } from '../unit/harness/hub.ts'
import { openPage, type Page } from '../unit/harness/page.ts'
import { type FakeBody, sse } from '../unit/harness/server.ts'
import { settle, until } from '../unit/harness/turns.ts'

const SWITCHES = 1_000
const USERS = ['ann', 'bob'] as const
type User = (typeof USERS)[number]
type Events = { note: { of: User; n: number } }

let hubs: Record<User, TestHub>
let page: Page
let bodies: Record<User, FakeBody>

beforeEach(() => {
  const ann = openHub()
  hubs = { ann, bob: openHub(ann.platform) }
  page = openPage(ann.platform.locks)
  bodies = {} as typeof bodies
  ann.platform.server.handle((request) => {
    const user = request.headers.get('authorization')!.slice('Bearer '.length) as User
    bodies[user] = request.stream()
  })
})
afterEach(async () => {
  page.close()
  for (const user of USERS) await hubs[user].close()
})

/** A port that goes on bringing what was on its way when the page let go of it. */
const lingering = (user: User) => () => {
  const port = hubs[user].connect()
  const { close } = port
  // For as long as a test waits for nothing.
  port.close = () => void settle(30).then(() => close.call(port))
  return port
}

const connect = (user: User): Stream<Events> =>
  page.connect<Events>('/stream', {
    user,
    auth: { getAccessToken: () => user },
    from: { last: 20 },
    worker: { shared: page.factory(lingering(user)) },
  })

it(`A3 in ${SWITCHES} switches of a tab from one user to the other, none hears an event of the other's`, async () => {
  const staying = { ann: connect('ann'), bob: connect('bob') }
  const heard = { ann: 0, bob: 0 }
  const foreign: unknown[] = []
  for (const user of USERS)
    staying[user].on('note', ({ of }) => {
      if (of === user) heard[user]++
      else foreign.push(of)
    })
  await until(() => USERS.every((user) => staying[user].status.state === 'open'))
  await settle()
  let n = 0
  const publish = () => {
    n++
    for (const of of USERS) bodies[of].push(sse(`${of}-${n}`, JSON.stringify({ of, n }), 'note'))
  }

  /** Time goes on: where events come fast, they are delivered some ms apart. */
  const allHeard = async () => {
    while (heard.ann !== n || heard.bob !== n) await hubs.ann.platform.advance(1, 5)
  }

  let switched = 0
  let switching = 0
  const open = (user: User) => {
    const stream = connect(user)
    const left = { at: Number.POSITIVE_INFINITY }
    stream.on('note', ({ of }) => {
      if (of !== user || switched > left.at) foreign.push({ of, user, late: switched > left.at })
      else switching++
    })
    return { stream, left }
  }
  let tab = open('ann')
  for (let at = 1; at <= SWITCHES; at++) {
    publish()
    // Some in the middle of what is being delivered, some once it has been.
    await settle(5 * (at % 4))
    tab.left.at = switched
    tab.stream.close()
    switched++
    tab = open(USERS[at % 2]!)
    if (at % 50 === 0) await allHeard()
  }
  await allHeard()
  await settle(100)
  expect(foreign).toEqual([])
  expect(heard).toEqual({ ann: SWITCHES, bob: SWITCHES })
  expect(switching).toBeGreaterThan(SWITCHES)
  const { requests } = hubs.ann.platform.server
  expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer ann', 'Bearer bob'])
}, 60_000)
