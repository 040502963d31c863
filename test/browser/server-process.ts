import { startServer } from '../../demo/server/app.ts'

/** The reference server in a process of its own, which can be killed. Prints one line once it can be reached. */
const server = await startServer(JSON.parse(process.argv[2]!))
console.log(server.url)
