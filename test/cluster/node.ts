import { startServer } from '../../demo/server/app.ts'

/** A node in a process of its own, which can be killed. Prints one line once it can be reached. */
const isRoom = (_user: string, topic: string) => topic.startsWith('room/')
const server = await startServer({
  ...JSON.parse(process.argv[2]!),
  authorizeTopic: isRoom,
  authorizePublish: isRoom,
})
console.log(server.url)
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)))
