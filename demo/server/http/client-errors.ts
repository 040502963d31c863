import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/** What Node's parser refuses before there is a request, by the code of its error. */
const answers: Record<string, [status: number, error: string, message: string]> = {
  HPE_HEADER_OVERFLOW: [
    431,
    'headers_too_large',
    'The headers are larger than 16 KiB, most likely by their cookies. Delete the cookies of this site in your browser, and log in again.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request_timeout', 'The request took too long to arrive.'],
}
const other: (typeof answers)[string] = [400, 'request_malformed', 'That is no request of HTTP/1.1.']

/** Answers in the shape of every error, where Node would send a status without a word. */
export const answerClientError = (error: Error & { code?: string }, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const [status, code, message] = answers[error.code ?? ''] ?? other
  const body = JSON.stringify({ error: code, message })
  if (socket.writable)
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
    )
  socket.destroySoon()
}
