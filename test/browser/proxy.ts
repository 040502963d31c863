import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** `reset` is what a crash or a firewall looks like (RST), `end` a server that closes tidily (FIN). */
export type CutStyle = 'reset' | 'end'

export interface ProxyOptions {
  /** Port of the server behind, on 127.0.0.1. */
  target: number
}

/**
 * A TCP proxy on 127.0.0.1 whose line can be cut, silenced and slowed. It knows nothing of HTTP: faults
 * are injected below it, where they also reach a SharedWorker, unlike Playwright's `route` and `setOffline`.
 */
export const startProxy = async ({ target }: ProxyOptions) => {
  const pairs = new Set<{ down: Socket; up: Socket }>()
  let accepted = 0
  let refusing = false
  let slow: { bytes: number; every: number } | undefined
  let budget: { left: number; style: CutStyle; done: () => void } | undefined
  let gate: { opened: Promise<void>; open: () => void } | undefined

  const cut = (style: CutStyle = 'reset') => {
    for (const { down, up } of pairs) {
      if (style === 'reset') down.resetAndDestroy()
      else down.end()
      up.destroy()
    }
  }

  const write = async (to: Socket, bytes: Buffer) => {
    if (bytes.length > 0) await new Promise<void>((done) => to.write(bytes, () => done()))
  }

  /** Writes what is left of a budget and no byte more, then cuts every line. */
  const spend = async (to: Socket, bytes: Buffer) => {
    if (!budget) return write(to, bytes)
    const { left, style, done } = budget
    budget.left -= bytes.length
    if (budget.left > 0) return write(to, bytes)
    budget = undefined
    await write(to, bytes.subarray(0, left))
    cut(style)
    done()
  }

  /** What is left of a chunk goes as one once the line is restored: as single bytes it would take a minute. */
  const pieces = function* (chunk: Buffer) {
    for (let at = 0; at < chunk.length; ) {
      const from = at
      at = Math.min(chunk.length, at + (slow?.bytes ?? chunk.length))
      yield chunk.subarray(from, at)
    }
  }

  const pump = async (from: Socket, to: Socket, pass: (to: Socket, bytes: Buffer) => Promise<void>) => {
    try {
      for await (const chunk of from) {
        for (const piece of pieces(chunk as Buffer)) {
          while (gate) await gate.opened
          await pass(to, piece)
          if (slow) await sleep(slow.every)
        }
      }
      while (gate) await gate.opened
      to.end()
    } catch {
      // An end that broke off must look broken on the other side too, not like a tidy end of the answer.
      to.resetAndDestroy()
    }
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (down) => {
    accepted++
    if (refusing) return void down.resetAndDestroy()
    const up = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const pair = { down, up }
    pairs.add(pair)
    for (const socket of [down, up]) socket.on('error', () => {})
    down.on('close', () => {
      pairs.delete(pair)
      up.destroy()
    })
    void pump(down, up, write)
    void pump(up, down, spend)
  })

  const restore = () => {
    refusing = false
    slow = undefined
    budget = undefined
    gate?.open()
    gate = undefined
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** Connections that are open now. */
    connections: () => pairs.size,
    /** Connections ever made, refused ones included. */
    accepted: () => accepted,
    /** Breaks every connection now; new ones are served. */
    cut,
    /** Lets exactly so many bytes through to the browser from now on, then cuts; resolves once it has. */
    cutAfter: (bytes: number, style: CutStyle = 'end') =>
      new Promise<void>((done) => {
        budget = { left: bytes, style, done }
      }),
    /** Accepts and holds connections, old and new, and forwards nothing: a half-open line. */
    blackHole: () => {
      if (gate) return
      let open = () => {}
      const opened = new Promise<void>((resolve) => {
        open = resolve
      })
      gate = { opened, open }
    },
    /**
     * Resets whatever connects from now on. The port stays bound: given up, it might be taken as the
     * source port of some connection before `restore`.
     */
    refuse: () => {
      refusing = true
    },
    /** Hands bytes on in pieces of this size, one every so many ms. */
    throttle: (bytes = 1, every = 1) => {
      slow = { bytes, every }
    },
    /** Ends every fault; what a black hole held back is delivered. */
    restore,
    /** New connections go to this port: the server has moved. */
    retarget: (to: number) => {
      target = to
    },
    close: async () => {
      restore()
      const closed = new Promise((done) => server.close(done))
      cut()
      await closed
    },
  }
}

export type Proxy = Awaited<ReturnType<typeof startProxy>>
