import { startServer } from '../../demo/server/app.ts'

/** The reference server in a process of its own, started with `--expose-gc` and a channel to whoever started it. */
const server = await startServer(JSON.parse(process.argv[2]!))
process.send!({ url: server.url })

process.on('message', () => {
  // Without a collection the figure would be of garbage, of which an idle process keeps a lot.
  globalThis.gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send!({ inUse: heapUsed + external, resident: rss })
})
// The run has ended, however it did.
process.on('disconnect', () => process.exit())
