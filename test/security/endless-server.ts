import { createServer } from 'node:net'

/** One event, and then one whose data has no end before 128 MiB, as fast as it is read. In a process of its own. */
const server = createServer((socket) => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let written = 0
  const pump = () => {
    while (written < 128 * 1024 ** 2) {
      written += chunk.length
      if (!socket.write(chunk)) return
    }
    socket.end()
  }
  socket.on('error', () => {})
  socket.on('drain', pump)
  socket.once('data', () => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n')
    socket.write('id: 6\ndata: the last one\n\nid: 7\ndata: ')
    pump()
  })
}).listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as { port: number }).port }))
