import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { startProxy } from '../browser/proxy.ts'

const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A server that greets, then echoes. */
const startEcho = async (greeting = '') => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (greeting) socket.write(greeting)
    socket.on('data', (bytes) => socket.write(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    say: (text: string) => {
      for (const socket of sockets) socket.write(text)
    },
    crash: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
}

const dial = (port: number) => {
  const socket = connect({ port, host: '127.0.0.1' })
  const heard = { text: '', chunks: 0, end: undefined as 'end' | 'reset' | undefined }
  socket.on('data', (bytes) => {
    heard.text += bytes.toString()
    heard.chunks++
  })
  socket.on('end', () => {
    heard.end ??= 'end'
  })
  socket.on('error', () => {
    heard.end ??= 'reset'
  })
  closers.push(() => socket.destroy())
  return { socket, heard }
}

const setUp = async (greeting?: string) => {
  const echo = await startEcho(greeting)
  const proxy = await startProxy({ target: echo.port })
  closers.push(proxy.close)
  return { echo, proxy }
}

describe('the proxy between browser and server', () => {
  test('passes bytes both ways and counts connections', async () => {
    const { proxy } = await setUp('hello ')
    const { socket, heard } = dial(proxy.port)
    socket.write('there')
    await vi.waitFor(() => expect(heard.text).toBe('hello there'))
    expect(proxy.connections()).toBe(1)
    socket.end()
    await vi.waitFor(() => expect(proxy.connections()).toBe(0))
    expect(proxy.accepted()).toBe(1)
  })

  test.each(['reset', 'end'] as const)('cuts with a %s and serves the next one', async (style) => {
    const { proxy } = await setUp('hello')
    const first = dial(proxy.port)
    await vi.waitFor(() => expect(first.heard.text).toBe('hello'))
    proxy.cut(style)
    await vi.waitFor(() => expect(first.heard.end).toBe(style))
    const second = dial(proxy.port)
    await vi.waitFor(() => expect(second.heard.text).toBe('hello'))
  })

  test('cuts after exactly so many bytes downstream', async () => {
    const { echo, proxy } = await setUp('hello')
    const { heard } = dial(proxy.port)
    await vi.waitFor(() => expect(heard.text).toBe('hello'))
    const cut = proxy.cutAfter(5)
    echo.say('abc')
    await vi.waitFor(() => expect(heard.text).toBe('helloabc'))
    echo.say('defgh')
    await cut
    await vi.waitFor(() => expect(heard.end).toBe('end'))
    expect(heard.text).toBe('helloabcde')
  })

  test('a black hole holds old and new connections and hands over nothing until restored', async () => {
    const { echo, proxy } = await setUp('hello')
    const before = dial(proxy.port)
    await vi.waitFor(() => expect(before.heard.text).toBe('hello'))
    proxy.blackHole()
    const during = dial(proxy.port)
    await vi.waitFor(() => expect(proxy.connections()).toBe(2))
    echo.say(' again')
    before.socket.write('x')
    await expect(vi.waitFor(() => expect(before.heard.text).not.toBe('hello'), 300)).rejects.toThrow()
    expect(during.heard).toEqual({ text: '', chunks: 0, end: undefined })
    proxy.restore()
    await vi.waitFor(() => expect(before.heard.text).toBe('hello againx'))
    await vi.waitFor(() => expect(during.heard.text).toContain('hello'))
  })

  test('refuses new connections, keeps old ones, until restored', async () => {
    const { echo, proxy } = await setUp('hello')
    const old = dial(proxy.port)
    await vi.waitFor(() => expect(old.heard.text).toBe('hello'))
    proxy.refuse()
    const refused = dial(proxy.port)
    await vi.waitFor(() => expect(refused.heard.end).toBe('reset'))
    echo.say('!')
    await vi.waitFor(() => expect(old.heard.text).toBe('hello!'))
    proxy.restore()
    const fresh = dial(proxy.port)
    await vi.waitFor(() => expect(fresh.heard.text).toBe('hello'))
  })

  test('throttles to single bytes', async () => {
    const { echo, proxy } = await setUp('a')
    const { heard } = dial(proxy.port)
    await vi.waitFor(() => expect(heard.text).toBe('a'))
    proxy.throttle(1, 5)
    echo.say('bcdefgh')
    await vi.waitFor(() => expect(heard.text).toBe('abcdefgh'))
    expect(heard.chunks).toBeGreaterThan(3)
  })

  test('a crash behind it looks like a crash, an absent server like a reset', async () => {
    const { echo, proxy } = await setUp('hello')
    const { heard } = dial(proxy.port)
    await vi.waitFor(() => expect(heard.text).toBe('hello'))
    echo.crash()
    await vi.waitFor(() => expect(heard.end).toBe('reset'))
    proxy.retarget(1)
    const nobody = dial(proxy.port)
    await vi.waitFor(() => expect(nobody.heard.end).toBe('reset'))
  })

  test('follows a server that moved', async () => {
    const { proxy } = await setUp('old')
    const moved = await startEcho('new')
    proxy.retarget(moved.port)
    const { heard } = dial(proxy.port)
    await vi.waitFor(() => expect(heard.text).toBe('new'))
  })
})
