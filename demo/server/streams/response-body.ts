import type { ServerResponse } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'

export interface ResponseBodyOptions {
  response: ServerResponse | Http2ServerResponse
  /** Milliseconds. */
  stallTimeout: number
  /** The client has taken nothing for so long. */
  onStall: () => void
  onDrain: () => void
  onClose: () => void
}

/** The body of an answer of HTTP/1.1 or HTTP/2, to which somebody writes for a long time. */
export interface ResponseBody {
  write(text: string): void
  /** Writes bytes, and destroys the socket once they are out. */
  breakOff(bytes: Uint8Array): void
  /** Ends it as HTTP wants it, with a last text. */
  end(text: string): void
  /** Destroys the socket, or resets the stream of HTTP/2: the client sees a broken body. */
  destroy(): void
  /** What was written waits for the client to read. */
  isFull(): boolean
  /** Bytes that wait. */
  buffered(): number
}

/** The stream behind an answer of HTTP/2 has the ways of a Writable, which the answer itself lacks. */
const bodyOf = (response: ServerResponse | Http2ServerResponse) =>
  response instanceof Http2ServerResponse ? response.stream : response

export const openResponseBody = (options: ResponseBodyOptions): ResponseBody => {
  const { response, stallTimeout, onStall, onDrain, onClose } = options
  const body = bodyOf(response)
  let stallTimer: NodeJS.Timeout | undefined

  const watchForStall = () => {
    stallTimer ??= setTimeout(onStall, stallTimeout)
  }

  const destroy = () => {
    // Of HTTP/2: without a code the reset would read as "no error".
    if ('close' in body && 'rstCode' in body) body.close(constants.NGHTTP2_INTERNAL_ERROR)
    body.destroy()
  }

  body.on('drain', () => {
    clearTimeout(stallTimer)
    stallTimer = undefined
    onDrain()
  })
  body.on('close', () => {
    clearTimeout(stallTimer)
    onClose()
  })

  return {
    write(text) {
      if (!body.write(text)) watchForStall()
    },
    breakOff: (bytes) => void body.write(bytes, destroy),
    end(text) {
      if (text === '') body.end()
      else body.end(text)
      watchForStall()
    },
    destroy,
    isFull: () => body.writableNeedDrain,
    buffered: () => body.writableLength,
  }
}
