import type { Process } from './process.ts'
import { turn } from './turns.ts'

export interface Published {
  /** Counts all that was ever published. */
  number: number
  /** Without one it can't be sent again. */
  id: string | null
  type: string | null
}

interface Connection {
  process: Process
  lastEventId: string
  write(events: Published[]): void
  close(): void
}

const format = ({ number, id, type }: Published) =>
  `${id === null ? '' : `id: ${id}\n`}${type === null ? '' : `event: ${type}\n`}data: ${number}\n\n`

/** A server with one stream, which keeps all its events and sends again what comes after `Last-Event-ID`. */
export const createStreamServer = () => {
  const published: Published[] = []
  const open = new Set<Connection>()
  let ids = 0
  /** Streams at once, those of frozen workers aside. */
  let most = 0
  let requests = 0
  let refusing = false
  /** The newest id of those that it no longer has. */
  let forgotten = 0

  const after = (lastEventId: string) =>
    published.filter(({ id }) => id !== null && Number(id) > Math.max(forgotten, Number(lastEventId || 0)))

  const fetch = async (process: Process, _url: string, init: RequestInit): Promise<Response> => {
    const { signal } = init
    requests++
    if (signal?.aborted) throw signal.reason
    if (refusing) {
      await process.gated('net', turn())
      throw new TypeError('fetch failed')
    }
    let controller!: ReadableStreamDefaultController<Uint8Array>
    let over = false
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given
      },
    })
    const connection: Connection = {
      process,
      lastEventId: new Headers(init.headers).get('last-event-id') ?? '',
      write(events) {
        const text = events.map(format).join('')
        void turn().then(() =>
          process.enter('net', () => over || controller.enqueue(new TextEncoder().encode(text))),
        )
      },
      close() {
        open.delete(connection)
        void turn().then(() =>
          process.enter('net', () => {
            if (over) return
            over = true
            controller.close()
          }),
        )
      },
    }
    open.add(connection)
    process.onDeath(() => open.delete(connection))
    signal?.addEventListener('abort', () => {
      open.delete(connection)
      self.onChange('aborted')
      if (over) return
      over = true
      controller.error(signal.reason)
    })
    most = Math.max(most, [...open].filter((each) => each.process.isAwake()).length)
    self.onChange('opened')
    const missed = after(connection.lastEventId)
    if (missed.length > 0) connection.write(missed)
    const lost = connection.lastEventId !== '' && Number(connection.lastEventId) < forgotten
    const headers = { 'content-type': 'text/event-stream', 'stream-resume': lost ? 'reset' : 'continue' }
    return process.gated(
      'net',
      turn().then(() => new Response(body, { status: 200, headers })),
    )
  }

  const self = {
    /** Sees streams come and go, for a test that traces. */
    onChange: (_what: string) => {},
    fetch,
    published,
    publish(withId: boolean, type: string | null = null): Published {
      const event = { number: published.length + 1, id: withId ? String(++ids) : null, type }
      published.push(event)
      for (const connection of open) connection.write([event])
      return event
    },
    cut() {
      for (const connection of [...open]) connection.close()
    },
    /** No longer has what was published so far. */
    forget() {
      forgotten = ids
    },
    refuse(value: boolean) {
      refusing = value
    },
    open: () => [...open].map(({ process }) => process),
    most: () => most,
    requests: () => requests,
    lastId: () => ids,
  }
  return self
}

export type StreamServer = ReturnType<typeof createStreamServer>
