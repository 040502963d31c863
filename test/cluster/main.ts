import { parseArgs } from 'node:util'
import { ensurePrograms, serverPrograms } from '../programs.ts'
import { createRandom, pick } from '../random.ts'
import { bystander } from './bystander.ts'
import { wreak } from './chaos.ts'
import { createChecks, eventually } from './checks.ts'
import { startCluster } from './cluster.ts'
import { follow } from './follower.ts'
import { publishAll } from './publishers.ts'
import { slowClient } from './slow-client.ts'
import { topicsUnderChaos } from './topics.ts'

/**
 * `npm run test:cluster -- [--events 100000] [--users 50] [--seconds 45] [--seed 1] [--redis-cluster]`: three nodes on one
 * Redis, behind nginx, Caddy and HAProxy, and everything that may go wrong with them. Counts what clients were given
 * against what was published. `--redis-cluster`: on three masters with a replica each, whose masters are killed.
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    users: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '45' },
    seed: { type: 'string', default: '1' },
    'redis-cluster': { type: 'boolean', default: false },
  },
})
const users = Array.from({ length: Number(values.users) }, (_, index) => `user-${index + 1}`)
const eventsPerUser = Math.ceil(Number(values.events) / users.length)
const random = createRandom(Number(values.seed))
const { check, part, finish } = createChecks('cluster')

ensurePrograms(serverPrograms)
const kind = values['redis-cluster'] ? 'redis-cluster' : 'redis'
const cluster = await startCluster(kind)
console.log(
  `${kind === 'redis' ? 'Redis' : 'Redis Cluster, 3 masters and 3 replicas'}, 3 nodes, ${cluster.proxies.map(({ name }) => name).join(', ')}. Seed ${values.seed}.\n`,
)

const tokens = new Map<string, string>()
const followers: ReturnType<typeof follow>[] = []
for (const user of users) {
  tokens.set(user, await cluster.tokenFor(user, 'access'))
  const token = await cluster.tokenFor(user, 'sse')
  for (const client of ['phone', 'laptop'])
    followers.push(
      follow({
        user,
        token,
        client: `${user}-${client}`,
        entry: () => pick(random, cluster.entries()),
        random,
      }),
    )
}
const allOpen = await eventually(() => followers.every((follower) => follower.lastEventId() !== ''), 20_000)
check('every client has a stream, and its position', allOpen)

/** The most held leases of one user that Redis shows at one look; the scripts' own record is read at the end. */
let mostSeen = 0
const countLeases = async () => {
  // One script: all users at the same instant, where all are on one server.
  const script = `local time = redis.call('TIME')
local now, most = time[1] * 1000 + math.floor(time[2] / 1000), 0
for _, key in ipairs(KEYS) do
  local held = 0
  for _, value in ipairs(redis.call('HVALS', key)) do
    local ends = string.match(value, '^held|(%d+)|')
    if ends and tonumber(ends) > now then held = held + 1 end
  end
  most = math.max(most, held)
end
return most`
  const keys = users.map((user) => `tabstream:{${user}}:streams`)
  for (const group of cluster.redis.groups(keys)) {
    const most = await cluster.redis.ask('EVAL', script, `${group.length}`, ...group).catch(() => 0)
    mostSeen = Math.max(mostSeen, Number(most))
  }
}
let looks = 0
const watch = setInterval(() => void countLeases().then(() => looks++), 100)

const started = Date.now()
const waiting = bystander(cluster)
// Awaited when its turn comes.
waiting.catch(() => {})
const publishing = publishAll({
  cluster,
  random,
  tokens,
  eventsPerUser,
  parallel: 10,
  duration: Number(values.seconds) * 1_000,
})
const rooms = await topicsUnderChaos(cluster, random)
const chaos = wreak(cluster, followers, random)
await publishing.done
await chaos.stop()
const ofRooms = await rooms.stop()
const total = users.length * eventsPerUser
const faults = Object.entries(chaos.counts).map(([name, count]) => `${count} × ${name}`)
console.log(
  `${publishing.published()} events published in ${((Date.now() - started) / 1_000).toFixed(0)} s, ` +
    `${publishing.repeated()} requests repeated; ${faults.join(', ')}\n`,
)

const { lost: lostOfRooms, doubled: doubledOfRooms, outOfOrder: outOfOrderOfRooms, gaps, uncovered } = ofRooms
console.log(
  `       ${ofRooms.published} events to 10 rooms; ${ofRooms.changes} changes of 10 clients, ${ofRooms.puts} by PUT, ` +
    `${ofRooms.notTaken} of them not taken; ${ofRooms.opened} streams opened`,
)
check(
  'R7 R8 of topics nothing is lost',
  lostOfRooms + uncovered === 0,
  `${ofRooms.deliveries - lostOfRooms} of ${ofRooms.deliveries} deliveries`,
)
check(
  'R7 of topics nothing comes twice, or unasked',
  doubledOfRooms + ofRooms.unasked === 0,
  `${doubledOfRooms}`,
)
check('R7 all topics of a stream come in one order', outOfOrderOfRooms === 0, `${outOfOrderOfRooms}`)
check('R7 no gap without a reason: Redis has kept its data', gaps === 0, `${gaps}`)

await eventually(() => followers.every(({ numbers }) => numbers.length >= eventsPerUser), 30_000)
clearInterval(watch)

const sum = (count: (follower: (typeof followers)[number]) => number) =>
  followers.reduce((all, follower) => all + count(follower), 0)
const lost = sum(({ numbers }) => eventsPerUser - new Set(numbers).size)
const doubled = sum(({ numbers, counts }) => numbers.length - new Set(numbers).size + counts.repeated)
const outOfOrder = sum(
  ({ numbers }) => numbers.filter((n, index) => index > 0 && n < numbers[index - 1]!).length,
)
const resets = sum((follower) => follower.resets.length)
const expected = total * 2
check('D1 R1 nothing is lost', lost === 0, `${expected - lost} of ${expected} deliveries`)
check('D1 R1 nothing comes twice', doubled === 0, `${doubled}`)
check('D1 R1 everything comes in order', outOfOrder === 0, `${outOfOrder}`)
check('R4 no reset without a reason: Redis has kept its data', resets === 0, `${resets}`)
console.log(
  `       ${sum(({ counts }) => counts.opened)} streams opened, ${sum(({ counts }) => counts.refused)} refused`,
)

const stored = await Promise.all(
  users.map(async (user) => {
    const entries = (await cluster.redis.ask('XRANGE', `tabstream:{main}:t:user:${user}`, '-', '+')) as [
      string,
      string[],
    ][]
    return entries.map(([, fields]) => (JSON.parse(fields[5]!) as { n: number }).n)
  }),
)
/** Of each user, the first event that is not in its place. */
const misplaced = stored.flatMap((numbers, user) => {
  const at = Array.from({ length: Math.max(eventsPerUser, numbers.length) }).findIndex(
    (_, index) => index >= eventsPerUser || numbers[index] !== index + 1,
  )
  return at < 0 ? [] : [`${users[user]}: ${numbers.length} events, ${numbers[at]} in place ${at + 1}`]
})
check(
  'R1 the log has each event once: what was published again is not stored again',
  misplaced.length === 0,
  misplaced.join('; '),
)

const peaks = await Promise.all(
  users.map(async (user) => Number(await cluster.redis.ask('HGET', `tabstream:{${user}}:streams`, 'peak'))),
)
check(
  'R6 never more than two leases a user, by Redis’s own record',
  Math.max(...peaks) === 2 && mostSeen === 2,
  `peak ${Math.max(...peaks)}; ${mostSeen} at ${looks} looks`,
)

await part('R6 a killed node’s places are free within 40 s', () => waiting)

await part('R4 a client that sleeps past the log is told to start anew', async () => {
  const sleeper = followers[0]!
  sleeper.pause()
  const headers = { Authorization: `Bearer ${tokens.get(sleeper.user)}` }
  const before = sleeper.numbers.length
  for (let batch = 0; batch < 11; batch++) {
    const events = Array.from({ length: 1_000 }, (_, n) => ({
      type: 'task.progress_updated',
      data: { n: eventsPerUser + 1 + batch * 1_000 + n },
    }))
    const answer = await cluster.post(`${cluster.nodes[0]!.url}/api/v1/events`, events, headers)
    if (answer.status !== 201) throw new Error(`Publishing answers ${answer.status}: ${await answer.text()}`)
  }
  sleeper.resume()
  if (!(await eventually(() => sleeper.resets.length > 0, 20_000))) throw new Error('No reset')
  if (sleeper.numbers.length !== before) throw new Error('Events came before the reset')
  return '11,000 events behind'
})

await part('a client that does not read is cut, the node’s memory stays flat, and it resumes', () =>
  slowClient(cluster),
)

const publishToEach = async (node: number, n: number) => {
  for (const user of users) {
    const headers = { Authorization: `Bearer ${tokens.get(user)}` }
    const events = [{ type: 'novel.updated', data: { n } }]
    await cluster.post(`${cluster.nodes[node]!.url}/api/v1/events`, events, headers)
  }
}

await part('R4 a Redis that is wiped is a reset for every client, before anything newer', async () => {
  for (const follower of followers) follower.resets.length = 0
  const before = followers.map(({ numbers }) => numbers.length)
  await cluster.redis.ask('FLUSHALL')
  await publishToEach(0, 0)
  const told = await eventually(() => followers.every((follower) => follower.resets.length > 0), 30_000)
  if (!told)
    throw new Error(`${followers.filter((follower) => follower.resets.length === 0).length} clients not told`)
  if (!followers.every((follower, index) => follower.resets[0]!.at === before[index]))
    throw new Error('Events came before the reset')
  // And life goes on.
  const after = followers.map(({ numbers }) => numbers.length)
  await eventually(() => followers.every((follower) => follower.isOpen()), 10_000)
  await publishToEach(1, 1)
  const goesOn = () =>
    followers.every(({ numbers }, index) => numbers.length > after[index]! && numbers.at(-1) === 1)
  if (!(await eventually(goesOn, 20_000))) throw new Error('Events of the new log did not arrive')
  return `${followers.length} clients`
})

for (const follower of followers) follower.close()
await cluster.close()
finish()
